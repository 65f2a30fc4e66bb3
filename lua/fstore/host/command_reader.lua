--- Commands from text: what a line of NDJSON, or the arguments of the program, must look like.
local core = require "fstore.core"
local errors = require "fstore.errors"
local ids = require "fstore.ids"

---@class fstore.host.CommandReader
local Reader = {}
Reader.__index = Reader

local command_reader = {}

---@param decider string its name, the namespace of business keys
function command_reader.new(decider)
  return setmetatable({ decider = decider }, Reader)
end

local function bad(message, ...)
  return nil, errors.new("usage", message:format(...))
end

local KEYS <const> = { decider_id = true, command = true, data = true, command_id = true }

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

local function check_keys(fields)
  for key in pairs(fields) do
    if not KEYS[key] then
      return bad("unknown key %q: a command has decider_id, command, data and command_id", key)
    end
  end
  return true
end

local function to_command(self, fields)
  if not is_text(fields.decider_id) then
    return bad("decider_id must be a string, and not empty")
  elseif not is_text(fields.command) then
    return bad("command must be a string, and not empty")
  end
  local command_id = fields.command_id
  if command_id ~= nil and not (is_text(command_id) and core.uuid.is_uuid(command_id)) then
    return bad("command_id must be a UUID")
  end
  local is_key = not core.uuid.is_uuid(fields.decider_id)
  return {
    decider_id = ids.decider_id(self.decider, fields.decider_id), key = is_key and fields.decider_id or nil,
    command = fields.command, command_id = command_id and command_id:lower(),
    data = fields.data == nil and {} or fields.data,
  }
end

---@param text string a line; a blank one is no command
---@return fstore.Command? command, fstore.Error? err kind "usage"; neither for a blank line
function Reader:parse(text)
  if not text:find("%S") then
    return nil
  end
  local fields, message = core.json.decode(text)
  if fields == nil then
    return bad("no JSON: %s", message)
  elseif type(fields) ~= "table" or core.json.is_array(fields) then
    return bad("not a JSON object")
  end
  local ok, err = check_keys(fields)
  if not ok then
    return nil, err
  end
  return to_command(self, fields)
end

---@param arguments { decider_id: string, command: string, command_id: string?, text: string? } text: the data as JSON
---@return fstore.Command? command, fstore.Error? err
function Reader:make(arguments)
  local data
  if arguments.text then
    local message
    data, message = core.json.decode(arguments.text)
    if data == nil then
      return bad("--data is no JSON: %s", message)
    end
  end
  return to_command(self, {
    decider_id = arguments.decider_id, command = arguments.command, command_id = arguments.command_id, data = data,
  })
end

return command_reader
