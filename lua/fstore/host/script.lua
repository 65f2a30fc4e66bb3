--- Loads users' scripts for the commands of the host.
local decider = require "fstore.model.decider"
local errors = require "fstore.errors"
local saga = require "fstore.model.saga"
local script = require "fstore.model.script"

local host_script = {}

local COMMAND_OF <const> = { decider = "handle", view = "project" }

local function wrong_kind(path, kind, wanted)
  local hint
  if kind == "saga" then
    hint = "it is a saga without `decider`: name the decider that takes its commands"
  else
    hint = ("it is a %s: use `fstore-lua %s`"):format(kind, COMMAND_OF[kind])
  end
  error(errors.new("script", ("%s: the script must return a %s"):format(path, wanted), { hint = hint }), 0)
end

---@param path string
---@return fstore.Decider|fstore.View|fstore.Saga value
function host_script.load(path)
  local value, err = script.load(path)
  if not value then
    error(err, 0)
  end
  return value
end

---A decider, or a saga with its decider: together they orchestrate.
---@param path string
---@return fstore.Decider decider, fstore.Saga? saga
function host_script.decider(path)
  local value = host_script.load(path)
  if decider.is(value) then
    return value
  elseif saga.is(value) and value.decider then
    return value.decider, value
  end
  wrong_kind(path, script.kind(value), "decider")
end

---A view, or a saga with its decider: the projector manages it.
---@param path string
---@return fstore.View|fstore.Saga view
function host_script.view(path)
  local value = host_script.load(path)
  if decider.is(value) or saga.is(value) and not value.decider then
    wrong_kind(path, script.kind(value), "view")
  end
  return value
end

return host_script
