--- The decider: what commands lead to, and what events make of its state. Pure: no store, clock or dice in reach.
local by_type = require "fstore.model.by_type"
local check = require "fstore.check"
local decided_events = require "fstore.model.decided_events"
local declared_events = require "fstore.model.declared_events"
local source = require "fstore.model.source"
local value = require "fstore.model.value"

---@class fstore.Command
---@field command string name
---@field data any
---@field decider_id string UUID; for a command handler also a business key, that becomes one
---@field key? string the business key that decider_id was made from
---@field command_id string UUID

---@alias fstore.Decide fun(command: fstore.Command, state: any): table[]?, any
---@alias fstore.Evolve fun(state: any, event: fstore.Event): any

---@class fstore.DeciderDefinition
---@field name string of the decider; with a decider_id it names a stream
---@field events table<string, string|fstore.EventDeclaration> what may be stored, by name
---@field initial_state any before the first event
---@field decide table<string, fstore.Decide>|fstore.Decide `{ event =, data = }`s, or nil and why it is refused
---@field evolve table<string, fstore.Evolve>|fstore.Evolve the new state; an event without one leaves it as it is
---@field commands? string[] that decide takes, when it is one function

-- What the operators compose: functions of plain values, each of them total on what its decider knows.
---@class fstore.DeciderFunctions
---@field initial fun(): any
---@field owner fun(command: table): string? name of the decider whose command it is
---@field decide fun(command: table, state: any): fstore.DecidedEvent[]?, any
---@field evolve fun(state: any, event: table): any
---@field place fun(event: table): string? where its evolve function stands

---@class fstore.Decider
---@field name string
---@field streams table<string, table<string, fstore.DeclaredEvent>> declared events, by decider: several when combined
---@field package command_names string[]? known commands, sorted; nil: behind a mapping
---@field package run fstore.DeciderFunctions
local Decider = {}
Decider.__index = Decider
Decider.__name = "fstore.decider"

local decider = {}

local function new(name, streams, command_names, run)
  return setmetatable({ name = name, streams = streams, command_names = command_names, run = run }, Decider)
end

-- One decider by itself.
local function functions_of(definition, declared, decide_by, evolve_by)
  local name, initial_state = definition.name, definition.initial_state
  local run, names = {}, {}
  for command in pairs(decide_by) do
    names[command] = "decide." .. command
  end

  function run.initial()
    return value.copy(initial_state)
  end

  function run.owner(command)
    return decide_by[command.command] and name
  end

  function run.decide(command, state)
    local decide = decide_by[command.command]
    local events, reason = decide(command, state)
    if events == nil then
      if reason == nil then
        source.fail(decide, "decide.%s returned nothing: return a list of events, or nil and a reason", command.command)
      end
      return nil, reason
    end
    return decided_events.check(name, declared, decide, names[command.command], events)
  end

  function run.evolve(state, event)
    local evolve = evolve_by[event.event]
    if not evolve then
      return state
    end
    local evolved = evolve(state, event)
    if evolved == nil then
      source.fail(evolve, "evolve.%s returned nothing: return the state", event.event)
    end
    return evolved
  end

  function run.place(event)
    return evolve_by[event.event] and source.of(evolve_by[event.event])
  end

  return run
end

local KEYS <const> = {
  name = "string", events = "table", initial_state = "any", decide = "table|function", evolve = "table|function",
  commands = "table|nil",
}

local function check_definition(definition)
  check.options("fstore.decider", definition, KEYS, 4)
  if definition.name == "" then
    error("fstore.decider: name must not be empty", 3)
  elseif type(definition.decide) == "function" and not definition.commands then
    error("fstore.decider: decide is one function: list the commands that it takes in `commands`", 3)
  elseif type(definition.decide) == "table" and definition.commands then
    error("fstore.decider: decide is a table, its keys are the commands: leave `commands` out", 3)
  end
  local problem = value.problem("initial_state", definition.initial_state)
  if problem then
    error("fstore.decider: " .. problem, 3)
  end
end

---Makes a decider.
---@param definition fstore.DeciderDefinition
---@return fstore.Decider
function decider.new(definition)
  check_definition(definition)
  local declared = declared_events.read(definition.events, 3)
  local decide_by = by_type.read("fstore.decider: decide", definition.decide, definition.commands, 3)
  local evolve_by = by_type.read("fstore.decider: evolve", definition.evolve, by_type.names(declared), 3)
  for name in pairs(evolve_by) do
    if not declared[name] then
      error(("fstore.decider: evolve.%s is not among the declared events"):format(name), 2)
    end
  end
  return new(definition.name, { [definition.name] = declared }, by_type.names(decide_by),
    functions_of(definition, declared, decide_by, evolve_by))
end

---@param item any
---@return boolean
function decider.is(item)
  return getmetatable(item) == Decider
end

-- ---- Use

---A fresh initial state, for `evolve` to change at will.
---@return any
function Decider:initial()
  return self.run.initial()
end

---The decider that a command belongs to: itself, one of those it combines, or nil when none knows it.
---@param command table `{ command = name }` at least
---@return string? name
function Decider:owner(command)
  return self.run.owner(command)
end

---The commands it knows, sorted; nil when a mapping stands before them.
---@return string[]?
function Decider:commands()
  return self.command_names
end

---Decides: the events a command leads to, or nil and the reason of a refusal. Raises when the script is wrong, and for
---a command that it does not know.
---@param command fstore.Command
---@param state any
---@return fstore.DecidedEvent[]? events, any reason
function Decider:decide(command, state)
  if not self.run.owner(command) then
    error(("decider %s knows no command %q"):format(self.name, command.command), 2)
  end
  return self.run.decide(command, state)
end

---What is declared of an event; an event that names no decider may be of any of them.
---@param event table
---@return fstore.DeclaredEvent? declared, string? decider its name
function Decider:declaration(event)
  local name = event.decider or self.name
  local declared = self.streams[name]
  if declared then
    return declared[event.event], name
  elseif not event.decider then
    for each, events in pairs(self.streams) do
      if events[event.event] then
        return events[event.event], each
      end
    end
  end
  return nil
end

---The event in its newest version: older data goes through the `upcast` functions. An event of another decider stays as
---it is; a version newer than the declared one raises.
---@param event fstore.Event
---@return fstore.Event
function Decider:upcast(event)
  local declared = self:declaration(event)
  return declared and declared_events.newest(declared, event) or event
end

---The state after one more event. Raises for an event that is not declared: the state would be a guess.
---@param state any
---@param event fstore.Event
---@return any state
function Decider:evolve(state, event)
  local declared = self:declaration(event)
  if not declared then
    error(("decider %s does not declare the event %s: use a newer script"):format(self.name, event.event), 0)
  end
  return self.run.evolve(state, declared_events.newest(declared, event))
end

---Raises when JSON cannot hold the state that an event led to.
---@param state any
---@param event fstore.Event the last one
function Decider:check_state(state, event)
  local problem = value.problem("state", state)
  if problem then
    local place = self.run.place(event)
    error(("%sstate after %s: %s"):format(place and place .. ": " or "", event.event, problem), 0)
  end
end

-- ---- Operators: each makes a new decider and leaves this one as it is.

local function composed(run, parts)
  return setmetatable(parts, { __index = run })
end

---Takes other commands. (fmodel: mapLeftOnCommand)
---@param map fun(command: fstore.Command): table? one of this decider's commands; nil: it is none of them
---@return fstore.Decider
function Decider:map_command(map)
  check.type("decider:map_command: map", map, "function")
  local run = self.run
  local function mapped(command)
    local own = map(command)
    return own and value.completed(own, command)
  end
  return new(self.name, self.streams, nil, composed(run, {
    owner = function(command)
      local own = mapped(command)
      return own and run.owner(own)
    end,
    decide = function(command, state)
      return run.decide(mapped(command), state)
    end,
  }))
end

local function only_stream(self)
  local name, declared = next(self.streams)
  if next(self.streams, name) then
    return nil
  end
  return name, declared
end

---Publishes and folds other events. (fmodel: dimapOnEvent)
---@param inward fun(event: table): table from the new events to this decider's
---@param outward fun(event: table): table from this decider's to the new ones
---@param events? table<string, string|fstore.EventDeclaration> the new ones, as in a definition (default: the same)
---@return fstore.Decider
function Decider:dimap_event(inward, outward, events)
  check.type("decider:dimap_event: inward", inward, "function")
  check.type("decider:dimap_event: outward", outward, "function")
  check.type("decider:dimap_event: events", events, "table|nil")
  local run, streams = self.run, self.streams
  if events then
    local name = only_stream(self)
    if not name then
      error("decider:dimap_event: events of combined deciders: map each of them, then combine", 2)
    end
    streams = { [name] = declared_events.read(events, 3) }
  end
  local function own(event)
    return value.completed(inward(event), event)
  end
  local function published(event)
    return decided_events.check(event.decider, streams[event.decider], outward, "outward", { outward(event) })[1]
  end
  return new(self.name, streams, self.command_names, composed(run, {
    decide = function(command, state)
      local decided, reason = run.decide(command, state)
      for index, event in ipairs(decided or {}) do
        decided[index] = published(event)
      end
      return decided, reason
    end,
    evolve = function(state, event)
      return run.evolve(state, own(event))
    end,
    place = function(event)
      return run.place(own(event))
    end,
  }))
end

---Keeps another state. (fmodel: dimapOnState)
---@param inward fun(state: any): any from the new state to this decider's
---@param outward fun(state: any): any from this decider's to the new one
---@return fstore.Decider
function Decider:dimap_state(inward, outward)
  check.type("decider:dimap_state: inward", inward, "function")
  check.type("decider:dimap_state: outward", outward, "function")
  local run = self.run
  return new(self.name, self.streams, self.command_names, composed(run, {
    initial = function()
      return outward(run.initial())
    end,
    decide = function(command, state)
      return run.decide(command, inward(state))
    end,
    evolve = function(state, event)
      return outward(run.evolve(inward(state), event))
    end,
  }))
end

-- ---- Combination

local function slots_of(part)
  return part.slots or { part }
end

-- Of combined deciders, those combined; each has its own slot of the state, named like it.
local function all_slots(parts)
  local slots, by_stream = {}, {}
  for _, part in ipairs(parts) do
    for _, slot in ipairs(slots_of(part)) do
      for name in pairs(slot.streams) do
        if by_stream[name] then
          error(("fstore.combine: two deciders are named %s: a stream belongs to one"):format(name), 4)
        end
        by_stream[name] = slot
      end
      slots[#slots + 1] = slot
    end
  end
  return slots, by_stream
end

-- The union of their commands, or nil when one of them does not say.
local function all_commands(slots)
  local names, owner = {}, {}
  for _, slot in ipairs(slots) do
    if not slot.command_names then
      return nil
    end
    for _, name in ipairs(slot.command_names) do
      if owner[name] then
        error(("fstore.combine: %s and %s both know the command %s: map_command one of them"):format(
          owner[name], slot.name, name), 4)
      end
      names[#names + 1], owner[name] = name, slot.name
    end
  end
  table.sort(names)
  return names
end

local function combined_functions(slots, by_stream)
  local run = {}

  local function slot_of(event)
    if event.decider then
      return by_stream[event.decider]
    end
    for _, slot in ipairs(slots) do
      if slot:declaration(event) then
        return slot
      end
    end
  end

  function run.initial()
    local state = {}
    for _, slot in ipairs(slots) do
      state[slot.name] = slot.run.initial()
    end
    return state
  end

  function run.owner(command)
    for _, slot in ipairs(slots) do
      local owner = slot.run.owner(command)
      if owner then
        return owner, slot
      end
    end
  end

  function run.decide(command, state)
    local _, slot = run.owner(command)
    return slot.run.decide(command, state[slot.name])
  end

  function run.evolve(state, event)
    local slot = slot_of(event)
    state[slot.name] = slot.run.evolve(state[slot.name], event)
    return state
  end

  function run.place(event)
    return slot_of(event).run.place(event)
  end

  return run
end

---Combines deciders into one that takes the commands of all; its state is a table of theirs, by name. What it publishes
---goes to the stream of the decider that decided.
---@param parts fstore.Decider[] at least two
---@return fstore.Decider
function decider.combine(parts)
  local slots, by_stream = all_slots(parts)
  local commands = all_commands(slots)
  local names, streams = {}, {}
  for index, slot in ipairs(slots) do
    names[index] = slot.name
    for name, declared in pairs(slot.streams) do
      streams[name] = declared
    end
  end
  local combined = new(table.concat(names, "+"), streams, commands, combined_functions(slots, by_stream))
  combined.slots = slots
  return combined
end

return decider
