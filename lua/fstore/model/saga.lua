--- The saga: which commands follow from an event. Pure, and without a state of its own.
local by_type = require "fstore.model.by_type"
local check = require "fstore.check"
local decider = require "fstore.model.decider"
local json = require "fstore.core".json
local source = require "fstore.model.source"
local value = require "fstore.model.value"

---@alias fstore.React fun(event: fstore.Event): table[]?

---@class fstore.SagaDefinition
---@field name string of the saga, in the table `views`
---@field react table<string, fstore.React>|fstore.React a list of `{ command =, decider_id =, data = }`
---@field decider? fstore.Decider takes the commands, several of them combined; their events come upcast
---@field events? string[] that react takes, when it is one function (default: all)
---@field start_at? string timestamp or "-infinity" (default: from its registration on)
---@field lock_timeout_s? integer seconds a lease lasts (default 300)
---@field max_attempts? integer after which a partition is parked whose next event keeps failing (default 10)

---@class fstore.IssuedCommand
---@field command string
---@field decider_id string UUID or business key
---@field data any

---@class fstore.Saga
---@field name string
---@field decider fstore.Decider?
---@field start_at string?
---@field lock_timeout_s integer?
---@field max_attempts integer?
---@field event_names string[] sorted; those that the saga reacts to by name
---@field package run fun(event: table): fstore.IssuedCommand[]
local Saga = {}
Saga.__index = Saga
Saga.__name = "fstore.saga"

local saga = {}

local function checked_command(react, what, command, known)
  if type(command) ~= "table" or type(command.command) ~= "string" then
    source.fail(react, "%s is not { command = NAME, decider_id = …, data = … }", what)
  elseif type(command.decider_id) ~= "string" or command.decider_id == "" then
    source.fail(react, "%s, %s: decider_id must be a string, a UUID or a business key", what, command.command)
  elseif known and not known:owner(command) then
    source.fail(react, "%s: decider %s knows no command %s", what, known.name, command.command)
  end
  local data = command.data
  if data == nil then
    data = {}
  end
  local encoded, problem = value.encode("data", data)
  if not encoded then
    source.fail(react, "%s, %s: %s", what, command.command, problem)
  end
  return { command = command.command, decider_id = command.decider_id, data = json.decode(tostring(encoded)) }
end

local function checked_commands(react, name, commands, known)
  if commands == nil then
    return {}
  elseif type(commands) ~= "table" or #commands == 0 and next(commands) ~= nil then
    source.fail(react, "%s returned %s: return a list of commands", name,
      type(commands) == "table" and "a table that is no list" or "a " .. type(commands))
  end
  local checked = {}
  for index, command in ipairs(commands) do
    checked[index] = checked_command(react, ("%s: command %d"):format(name, index), command, known)
  end
  return checked
end

local KEYS <const> = {
  name = "string", react = "table|function", decider = "table|nil", events = "table|nil", start_at = "string|nil",
  lock_timeout_s = "integer|nil", max_attempts = "integer|nil",
}

local function check_definition(definition)
  check.options("fstore.saga", definition, KEYS, 4)
  if definition.name == "" then
    error("fstore.saga: name must not be empty", 3)
  elseif definition.decider and not decider.is(definition.decider) then
    error("fstore.saga: decider must be one that fstore.decider or fstore.combine made", 3)
  end
end

---Makes a saga.
---@param definition fstore.SagaDefinition
---@return fstore.Saga
function saga.new(definition)
  check_definition(definition)
  local react_by = by_type.read("fstore.saga: react", definition.react, definition.events, 3)
  local known = definition.decider
  return setmetatable({
    name = definition.name, decider = known, start_at = definition.start_at,
    lock_timeout_s = definition.lock_timeout_s, max_attempts = definition.max_attempts,
    event_names = by_type.names(react_by),
    run = function(event)
      local react = react_by[event.event]
      if not react then
        return {}
      end
      return checked_commands(react, "react." .. event.event, react(known and known:upcast(event) or event), known)
    end,
  }, Saga)
end

---@param item any
---@return boolean
function saga.is(item)
  return getmetatable(item) == Saga
end

---The commands that follow from an event.
---@param event fstore.Event
---@return fstore.IssuedCommand[]
function Saga:react(event)
  return self.run(event)
end

local function changed(self, event_names, run)
  return setmetatable({
    name = self.name, decider = self.decider, start_at = self.start_at, lock_timeout_s = self.lock_timeout_s,
    max_attempts = self.max_attempts, event_names = event_names, run = run,
  }, Saga)
end

---Reacts to other events. (fmodel: mapLeftOnActionResult)
---@param map fun(event: fstore.Event): table? one of this saga's events; nil: nothing follows
---@return fstore.Saga
function Saga:map_event(map)
  check.type("saga:map_event: map", map, "function")
  local run = self.run
  return changed(self, {}, function(event)
    local own = map(event)
    return own and run(value.completed(own, event)) or {}
  end)
end

---Issues other commands. (fmodel: mapOnAction)
---@param map fun(command: fstore.IssuedCommand): table
---@return fstore.Saga
function Saga:map_command(map)
  check.type("saga:map_command: map", map, "function")
  local run = self.run
  return changed(self, self.event_names, function(event)
    local commands = {}
    for index, command in ipairs(run(event)) do
      commands[index] = value.completed(map(command), command)
    end
    return checked_commands(map, "map_command", commands)
  end)
end

-- Those that the parts name, each once.
local function common_decider(parts)
  local deciders, seen = {}, {}
  for _, part in ipairs(parts) do
    local known = part.decider
    for _, each in ipairs(known and (known.slots or { known }) or {}) do
      if not seen[each.name] then
        deciders[#deciders + 1], seen[each.name] = each, true
      end
    end
  end
  if #deciders < 2 then
    return deciders[1]
  end
  return decider.combine(deciders)
end

---Combines sagas into one: the commands of all, in the order of the sagas. Name and start_at as for views.
---@param parts fstore.Saga[] at least two
---@return fstore.Saga
function saga.combine(parts)
  local names, combined = {}, {}
  for index, part in ipairs(parts) do
    names[index] = part.name
    combined.start_at = combined.start_at or part.start_at
    combined.lock_timeout_s = combined.lock_timeout_s or part.lock_timeout_s
    combined.max_attempts = combined.max_attempts or part.max_attempts
  end
  combined.name, combined.decider = table.concat(names, "_"), common_decider(parts)
  combined.event_names = by_type.union(parts, "event_names")
  function combined.run(event)
    local commands = {}
    for _, part in ipairs(parts) do
      local issued = part.run(event)
      table.move(issued, 1, #issued, #commands + 1, commands)
    end
    return commands
  end
  return setmetatable(combined, Saga)
end

return saga
