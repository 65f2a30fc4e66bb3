--- Commands on their way to a decision: whose they are, under which id, and what their senders are told.
local check = require "fstore.check"
local core = require "fstore.core"
local errors = require "fstore.errors"
local ids = require "fstore.ids"
local value = require "fstore.model.value"

---@class fstore.Accepted a command with all that a decision needs
---@field command fstore.Command
---@field owner string? name of the decider that knows it
---@field digest string? UUID; tells another command under the same id; nil when the sender chose no id
---@field sent table[][]? events of earlier attempts whose outcome is unknown

local commands = {}

local function digest(owner, command, problem_at)
  local encoded, problem = value.encode("data", command.data)
  if not encoded then
    error(("%s: %s"):format(problem_at, problem), 0)
  end
  return core.uuid.v5(command.command_id,
    table.concat({ owner, command.decider_id, command.command, tostring(encoded) }, "\0"))
end

local function check_fields(given, what, level)
  check.type(what, given, "table", level)
  check.type(what .. ": command", given.command, "string", level)
  check.type(what .. ": decider_id", given.decider_id, "string", level)
  if given.command_id ~= nil and not core.uuid.is_uuid(given.command_id) then
    error(what .. ": command_id is no UUID", level - 1)
  end
end

local function is_sound(given)
  return type(given) == "table" and type(given.command) == "string" and type(given.decider_id) == "string"
    and (given.command_id == nil or core.uuid.is_uuid(given.command_id))
end

---Completes a command: a business key becomes the decider's id, and a command without an id gets one.
---@param decider fstore.Decider
---@param given table decider_id and command at least; it is left as it is
---@param what string names it in messages
---@return fstore.Accepted
function commands.accept(decider, given, what)
  if not is_sound(given) then
    check_fields(given, what, 5)
  end
  local data = given.data
  if data == nil then
    data = {}
  end
  local command = { command = given.command, decider_id = given.decider_id, data = data, key = given.key }
  local owner = decider:owner(command)
  if not core.uuid.is_uuid(given.decider_id) then
    command.key = given.key or given.decider_id
  end
  command.decider_id = ids.decider_id(owner or decider.name, given.decider_id)
  local accepted = { command = command, owner = owner }
  if given.command_id then
    command.command_id = given.command_id:lower()
    accepted.digest = owner and digest(owner, command, what)
  else
    command.command_id = core.uuid.v7()
  end
  return accepted
end

---The id of a command that a saga issued: the same whenever it reacts to the same event.
---@param event_id string UUID
---@param place integer of the command among those that follow from the event
---@return string command_id UUID
function commands.derived_id(event_id, place)
  return core.uuid.v5(event_id, tostring(place))
end

---@param reason any of the domain
---@return fstore.Error
function commands.refusal(reason)
  local text = type(reason) == "string" and reason or core.json.encode(reason)
  return errors.new("refused", text, { reason = reason })
end

---@param decider fstore.Decider
---@param command fstore.Command
---@return fstore.Error
function commands.unknown(decider, command)
  local known = decider:commands()
  return errors.new("unknown_command", ("decider %s knows no command %q"):format(decider.name, command.command),
    { hint = known and "it knows: " .. table.concat(known, ", ") or nil })
end

---@param command fstore.Command
---@return fstore.Error
function commands.reused(command)
  return errors.new("command_reused",
    ("command_id %s was used before, for another command or other data"):format(command.command_id),
    { hint = "give each command an id of its own; repeat a command exactly as it was" })
end

return commands
