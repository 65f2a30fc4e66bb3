--- Scripts: files that return a decider, a view or a saga.
local decider = require "fstore.model.decider"
local errors = require "fstore.errors"
local saga = require "fstore.model.saga"
local sandbox = require "fstore.model.sandbox"
local view = require "fstore.model.view"

local script = {}

---@param item any
---@return "decider"|"view"|"saga"|nil kind
function script.kind(item)
  return decider.is(item) and "decider" or view.is(item) and "view" or saga.is(item) and "saga" or nil
end

-- `return fstore.decider { … }` is a tail call: nothing is left of the script's frame, and with it of an error's place.
local function with_place(err, path)
  local has_place = err.message:find("^[^\n]-:%d+: ") or err.message:find(path, 1, true) == 1
  if err.kind == "script" and not has_place then
    err.message = ("%s: %s"):format(path, err.message)
  end
  return err
end

---Loads a script in a sandbox: neither it nor the files beside it that it requires can reach the clock, dice, files or
---the store.
---@param path string
---@return fstore.Decider|fstore.View|fstore.Saga|nil value, fstore.Error? err kind "script"
function script.load(path)
  local ok, value = xpcall(sandbox.run, errors.from_script, path)
  if not ok then
    return nil, with_place(value, path)
  elseif not script.kind(value) then
    return nil, errors.new("script", path .. ": the script must return a decider, a view or a saga", {
      hint = "end it with `return fstore.decider { … }`, `fstore.view` or `fstore.saga`",
    })
  end
  return value
end

return script
