--- What a decide function returned, checked: a list of declared events whose data JSON can hold.
local by_type = require "fstore.model.by_type"
local json = require "fstore.core".json
local source = require "fstore.model.source"
local value = require "fstore.model.value"

---@class fstore.DecidedEvent an event that is not stored yet
---@field event string
---@field event_version integer
---@field decider string name of the decider
---@field data any as it will be read back: through JSON
---@field raw_data fstore.JsonValue what will be stored
---@field final boolean

local decided_events = {}

local function type_name(item)
  return type(item) == "table" and "table" or ("%s %s"):format(type(item), tostring(item))
end

-- Only what goes wrong is worth a message.
local function fail(handler, name, index, message, ...)
  source.fail(handler, "%s: event %d" .. message, name, index, ...)
end

local function check_event(decider, declared, handler, name, index, event)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    fail(handler, name, index, " is a %s, not { event = NAME, data = … }", type_name(event))
  end
  local declaration = declared[event.event]
  if not declaration then
    fail(handler, name, index, ", %q, is not among the declared events: %s", event.event,
      table.concat(by_type.names(declared), ", "))
  end
  local data = event.data
  if data == nil then
    data = {}
  end
  local encoded, problem = value.encode("data", data)
  if not encoded then
    fail(handler, name, index, ", %s: %s", event.event, problem)
  end
  return {
    event = event.event, event_version = declaration.version, final = declaration.final, decider = decider,
    data = json.decode(tostring(encoded)), raw_data = encoded,
  }
end

---@param decider string its name
---@param declared table<string, fstore.DeclaredEvent>
---@param handler function that returned them
---@param name string names the function: "decide.PlaceOrder"
---@param events any
---@return fstore.DecidedEvent[]
function decided_events.check(decider, declared, handler, name, events)
  if type(events) ~= "table" or #events == 0 and next(events) ~= nil then
    source.fail(handler, "%s returned %s: return a list of events, or nil and a reason", name,
      type(events) == "table" and "a table that is no list" or "a " .. type(events))
  end
  local checked = {}
  for index, event in ipairs(events) do
    checked[index] = check_event(decider, declared, handler, name, index, event)
    if checked[index].final and index < #events then
      fail(handler, name, index, ", %s, is final and must come last", event.event)
    end
  end
  return checked
end

return decided_events
