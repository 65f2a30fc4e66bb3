--- The events that a decider declares: what may be stored, in which version, and how older versions become the newest.
local check = require "fstore.check"

---@class fstore.EventDeclaration as written in a decider's `events`; a string alone is its description
---@field description string what it means that this happened
---@field version? integer of the event's schema, from 1 (default 1)
---@field upcast? table<integer, fun(data: any): any> from each older version n to n + 1; one for each, without gaps
---@field final? boolean whether it closes the stream (default false)

---@class fstore.DeclaredEvent
---@field description string
---@field version integer
---@field final boolean
---@field upcast table<integer, fun(data: any): any>

local declared_events = {}

local KEYS <const> = { description = "string", version = "integer|nil", final = "boolean|nil", upcast = "table|nil" }

local function check_chain(what, version, upcast, level)
  for from, convert in pairs(upcast) do
    if math.type(from) ~= "integer" or from < 1 or from >= version then
      error(("%s: upcast[%s] leads nowhere: the version is %d"):format(what, tostring(from), version), level)
    end
    check.type(("%s: upcast[%d]"):format(what, from), convert, "function", level + 1)
  end
  for from = 1, version - 1 do
    if not upcast[from] then
      error(("%s: upcast[%d] is missing, from version %d to %d"):format(what, from, from, from + 1), level)
    end
  end
end

local function read(what, declaration, level)
  if type(declaration) == "string" then
    declaration = { description = declaration }
  end
  check.options(what, declaration, KEYS, level + 1)
  local version, upcast = declaration.version or 1, declaration.upcast or {}
  if version < 1 then
    error(what .. ": version must be at least 1", level)
  end
  check_chain(what, version, upcast, level + 1)
  return {
    description = declaration.description, version = version, final = declaration.final or false, upcast = upcast,
  }
end

---@param events table<string, string|fstore.EventDeclaration>
---@param level integer of the caller at fault
---@return table<string, fstore.DeclaredEvent>
function declared_events.read(events, level)
  local declared = {}
  for name, declaration in pairs(events) do
    check.type("fstore.decider: name of an event", name, "string", level + 1)
    declared[name] = read("fstore.decider: events." .. name, declaration, level + 1)
  end
  return declared
end

---The event in its newest version. A version that is newer than the declared one raises.
---@param declared fstore.DeclaredEvent
---@param event fstore.Event
---@return fstore.Event|table
function declared_events.newest(declared, event)
  local stored = event.event_version or declared.version
  if stored == declared.version then
    return event
  elseif stored > declared.version then
    error(("%s is stored in version %d, newer than the script's version %d: use a newer script"):format(
      event.event, stored, declared.version), 0)
  end
  local newest = {}
  for key, item in pairs(event) do
    newest[key] = item
  end
  for version = stored, declared.version - 1 do
    newest.data = declared.upcast[version](newest.data)
    if newest.data == nil then
      error(("events.%s: upcast[%d] returned nothing: return the data"):format(event.event, version), 0)
    end
  end
  newest.event_version = declared.version
  return newest
end

return declared_events
