--- The decider: what commands lead to, and what events make of its state. Pure: no store, clock or dice in reach.
local check = require "fstore.check"
local json = require "fstore.core".json

---@class fstore.DeclaredEvent
---@field description string
---@field version integer of the event's schema, from 1
---@field final boolean whether it closes the stream
---@field upcast table<integer, fun(data: any): any> from version n to n + 1

---@class fstore.Command
---@field command string name
---@field data any
---@field decider_id string UUID
---@field key string? the business key that decider_id was made from
---@field command_id string UUID

---@class fstore.Decider
---@field name string
---@field events table<string, fstore.DeclaredEvent> what may be stored
---@field package initial_state any
---@field package decide_by table<string, fun(command: fstore.Command, state: any): table[]?, any>
---@field package evolve_by table<string, fun(state: any, event: fstore.Event): any>
local Decider = {}
Decider.__index = Decider
Decider.__name = "fstore.decider"

local decider = {}

local EVENT_KEYS = { description = "string", version = "integer|nil", final = "boolean|nil", upcast = "table|nil" }

local function declared_event(name, declaration)
  local what = ("fstore.decider: events.%s"):format(name)
  if type(declaration) == "string" then
    declaration = { description = declaration }
  end
  check.options(what, declaration, EVENT_KEYS, 5)
  local version, upcast = declaration.version or 1, declaration.upcast or {}
  if version < 1 then
    error(what .. ": version must be at least 1", 5)
  end
  for from, convert in pairs(upcast) do
    if math.type(from) ~= "integer" or from < 1 or from >= version then
      error(("%s: upcast[%s] is outside of 1..%d"):format(what, tostring(from), version - 1), 5)
    end
    check.type(("%s: upcast[%d]"):format(what, from), convert, "function", 6)
  end
  return { description = declaration.description, version = version, final = declaration.final or false, upcast = upcast }
end

local function check_functions(what, functions)
  for name, handler in pairs(functions) do
    check.type(("fstore.decider: %s.%s"):format(what, tostring(name)), handler, "function", 5)
  end
  return functions
end

local KEYS = { name = "string", events = "table", initial_state = "any", decide = "table", evolve = "table" }

---Makes a decider. `decide` returns a list of `{ event =, data = }`, or nil and a reason when the domain refuses;
---`evolve` returns the new state. An event without an `evolve` function leaves the state as it is.
---@param definition { name: string, events: table<string, string|table>, initial_state: any, decide: table, evolve: table }
---@return fstore.Decider
function decider.new(definition)
  check.options("fstore.decider", definition, KEYS)
  if definition.name == "" then
    error("fstore.decider: name must not be empty", 2)
  end
  local events = {}
  for name, declaration in pairs(definition.events) do
    check.type("fstore.decider: name of an event", name, "string")
    events[name] = declared_event(name, declaration)
  end
  check_functions("decide", definition.decide)
  for name in pairs(check_functions("evolve", definition.evolve)) do
    if not events[name] then
      error(("fstore.decider: evolve.%s is not among the declared events"):format(tostring(name)), 2)
    end
  end
  return setmetatable({
    name = definition.name, events = events, initial_state = definition.initial_state,
    decide_by = definition.decide, evolve_by = definition.evolve,
  }, Decider)
end

---@param value any
---@return boolean
function decider.is(value)
  return getmetatable(value) == Decider
end

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local new = {}
  for key, item in pairs(value) do
    new[key] = copy(item)
  end
  return setmetatable(new, getmetatable(value))
end

---A fresh initial state, for `evolve` to change at will.
---@return any
function Decider:initial()
  return copy(self.initial_state)
end

---Whether the decider knows a command of this name.
---@param command string
---@return boolean
function Decider:knows(command)
  return self.decide_by[command] ~= nil
end

---The commands it knows, sorted.
---@return string[]
function Decider:commands()
  local names = {}
  for name in pairs(self.decide_by) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function checked_event(self, index, event)
  local what = ("decider %s returned event %d"):format(self.name, index)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    error(("%s that is not { event = NAME, data = … }"):format(what), 0)
  end
  local declared = self.events[event.event]
  if not declared then
    error(("%s, %q, which it does not declare in `events`"):format(what, event.event), 0)
  end
  -- Through JSON and back: what cannot be stored fails here, and evolve sees now what it will see after loading.
  local ok, data = pcall(json.encode, event.data == nil and {} or event.data)
  if not ok then
    error(("%s, %s: %s"):format(what, event.event, data), 0)
  end
  return {
    event = event.event, event_version = declared.version, final = declared.final, decider = self.name,
    data = json.decode(data),
  }
end

---Decides: the events a command leads to, or nil and the reason of a refusal. Raises when the script is wrong.
---@param command fstore.Command
---@param state any
---@return table[]? events, any reason
function Decider:decide(command, state)
  local events, reason = self.decide_by[command.command](command, state)
  if events == nil then
    if reason == nil then
      error(("decide.%s returned nothing: return a list of events, or nil and a reason"):format(command.command), 0)
    end
    return nil, reason
  elseif type(events) ~= "table" or #events == 0 and next(events) ~= nil then
    error(("decide.%s must return a list of events, or nil and a reason"):format(command.command), 0)
  end
  local checked = {}
  for index, event in ipairs(events) do
    checked[index] = checked_event(self, index, event)
    if checked[index].final and index < #events then
      error(("decide.%s returned events behind the final %s"):format(command.command, event.event), 0)
    end
  end
  return checked
end

---The event as its newest version: older data goes through the `upcast` functions.
---@param event fstore.Event
---@return fstore.Event
function Decider:upcast(event)
  local declared = self.events[event.event]
  if not declared or event.event_version == declared.version then
    return event
  elseif event.event_version > declared.version then
    error(("%s is stored in version %d, newer than the script's %d"):format(
      event.event, event.event_version, declared.version), 0)
  end
  local newest = {}
  for key, value in pairs(event) do
    newest[key] = value
  end
  for version = event.event_version, declared.version - 1 do
    local convert = declared.upcast[version]
    if convert then
      newest.data = convert(newest.data)
    end
  end
  newest.event_version = declared.version
  return newest
end

---The state after one more event. An evolve function that returns nothing raises: it would lose the state.
---@param state any
---@param event fstore.Event
---@return any state
function Decider:evolve(state, event)
  local evolve = self.evolve_by[event.event]
  if not evolve then
    return state
  end
  local new = evolve(state, self:upcast(event))
  if new == nil then
    error(("evolve.%s returned nothing: return the state"):format(event.event), 0)
  end
  return new
end

return decider
