--- Commands from text: what a line of NDJSON, or the arguments of the program, must look like.
local core = require "fstore.core"
local errors = require "fstore.errors"

---@class fstore.host.CommandReader
local Reader = {}
Reader.__index = Reader

local command_reader = {}

---@return fstore.host.CommandReader
function command_reader.new()
  return setmetatable({}, Reader)
end

local function bad(message, ...)
  return nil, errors.new("usage", message:format(...))
end

-- Its place in the text is a column: a command is one line.
local function not_json(where, message)
  return bad("%snot JSON: %s", where, (message:gsub("%(line 1, column", "(column")))
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

-- What is null may as well be missing: many programs write every key.
local function optional(value)
  if value == core.json.null then
    return nil
  end
  return value
end

local function to_command(fields)
  if not is_text(fields.decider_id) then
    return bad("decider_id must be a string, and not empty")
  elseif not is_text(fields.command) then
    return bad("command must be a string, and not empty")
  end
  local command_id, data = optional(fields.command_id), optional(fields.data)
  if command_id ~= nil and not (is_text(command_id) and core.uuid.is_uuid(command_id)) then
    return bad("command_id must be a UUID")
  end
  return {
    decider_id = fields.decider_id, command = fields.command, command_id = command_id,
    data = data == nil and {} or data,
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
    return not_json("", message)
  elseif type(fields) ~= "table" or core.json.is_array(fields) then
    return bad("not a JSON object")
  end
  local ok, err = check_keys(fields)
  if not ok then
    return nil, err
  end
  return to_command(fields)
end

---@param arguments { decider_id: string, command: string, command_id: string?, text: string? } text: the data as JSON
---@return fstore.Command? command, fstore.Error? err
function Reader:make(arguments)
  local data
  if arguments.text then
    local message
    data, message = core.json.decode(arguments.text)
    if data == nil then
      return not_json("--data: ", message)
    end
  end
  return to_command({
    decider_id = arguments.decider_id, command = arguments.command, command_id = arguments.command_id, data = data,
  })
end

return command_reader
