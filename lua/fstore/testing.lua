--- Specs of deciders, views and sagas without a database: for busted, for any other framework, and for none at all.
---
---   local testing = require "fstore.testing"
---   local order = testing.load "order.lua"                     -- beside this spec
---   local e, c = testing.events(order), testing.commands(order)
---
---   testing.given(order, e.OrderPlaced { customer = "Ada" })
---     :when(c.PayOrder { amount_cents = 300 })
---     :then_refused "nothing to pay"
local failure = require "fstore.testing.failure"
local histories = require "fstore.testing.histories"
local ids = require "fstore.ids"
local scenario = require "fstore.testing.scenario"
local script = require "fstore.model.script"
local trial = require "fstore.testing.trial"

local testing = {
  ---The id of the stream at hand, unless an event or a command names another.
  decider_id = trial.id "decider",
}

local function exists(path)
  local file = io.open(path, "r")
  if file then
    file:close()
  end
  return file ~= nil
end

---Loads a script, in the sandbox it runs in later.
---@param path string relative to the calling file, or else to the current folder
---@return fstore.Decider|fstore.View|fstore.Saga
function testing.load(path)
  local folder = debug.getinfo(2, "S").source:match("^@(.*/)")
  if folder and path:sub(1, 1) ~= "/" and exists(folder .. path) then
    path = folder .. path
  end
  local value, err = script.load(path)
  if not value then
    failure.raise("%s", tostring(err))
  end
  return value
end

local function vocabulary(make)
  return setmetatable({}, { __index = function(_, name)
    return function(data, envelope)
      return make(name, data, envelope)
    end
  end })
end

local function decider_of(model)
  return model.streams and model or model.decider
end

---The words for events: `e.OrderPlaced { customer = "Ada" }`. A second argument, `{ decider_id =, event_version =,
---created_at = … }` or a business key alone, completes the event. A word that the decider does not declare raises.
---@param model fstore.Decider|fstore.View|fstore.Saga a view or a saga: of its decider
---@return table<string, fun(data: any, envelope: table|string|nil): table>
function testing.events(model)
  local decider = decider_of(model)
  return vocabulary(function(name, data, envelope)
    local event = { event = name, data = data }
    for key, item in pairs(type(envelope) == "table" and envelope or {}) do
      event[key] = item
    end
    if decider then
      local declared, owner = decider:declaration(event)
      if not declared then
        failure.raise("%s is no event of decider %s", name, decider.name)
      end
      event.decider = owner
    end
    if type(envelope) == "string" then
      event.decider_id = ids.decider_id(event.decider or "", envelope)
    end
    return event
  end)
end

---The words for commands: `c.PlaceOrder { customer = "Ada" }`. A second argument is the decider_id, a UUID or a
---business key. A word that the decider does not know raises.
---@param model fstore.Decider|fstore.Saga a saga: of its decider
---@return table<string, fun(data: any, decider_id: string?): table>
function testing.commands(model)
  local decider = decider_of(model)
  return vocabulary(function(name, data, decider_id)
    local command = { command = name, data = data, decider_id = decider_id }
    if decider and not decider:owner(command) then
      failure.raise("%s is no command of decider %s", name, decider.name)
    end
    return command
  end)
end

---What has happened so far.
---@param model fstore.Decider|fstore.View|fstore.Saga
---@param ... table events, `{ event =, data = }`
---@return fstore.DeciderScenario|fstore.ViewScenario|fstore.SagaScenario
---@overload fun(model: fstore.Decider, ...: table): fstore.DeciderScenario
---@overload fun(model: fstore.View, ...: table): fstore.ViewScenario
---@overload fun(model: fstore.Saga): fstore.SagaScenario
function testing.given(model, ...)
  return scenario.given(model, { ... })
end

---Draws commands at random and checks after each that the decider is pure, that what it publishes can be stored and
---loaded, and what the invariant says. A failure shows the shortest history found that leads to it.
---@param decider fstore.Decider
---@param options fstore.HistoriesOptions
---@return { commands: integer, accepted: integer } counts
function testing.histories(decider, options)
  return histories.check(decider, options)
end

return testing
