--- The command handler: load, fold, decide, append; on a conflict load and decide again. With a saga it orchestrates:
--- what follows from a command's events is decided and stored together with them.
local check = require "fstore.check"
local commands = require "fstore.application.commands"
local decision = require "fstore.application.decision"
local errors = require "fstore.errors"
local handled_commands = require "fstore.application.handled_commands"
local state_cache = require "fstore.application.state_cache"
local unknown_outcome = require "fstore.application.unknown_outcome"

---@class fstore.CommandHandlerOptions
---@field attempts? integer how often a command is decided before a conflict is given up (default 10)
---@field cache? integer states of deciders kept in memory between commands (default 1000)
---@field saga? fstore.Saga its commands are handled in the transaction of the events it reacts to
---@field recover? fun(err: fstore.Error): boolean called when the connection is lost; true: it is back, go on

---@class fstore.Outcome what became of one command: events, or an error
---@field events fstore.Event[]? as stored
---@field repeated boolean? the command was handled before, and led to these events then
---@field error fstore.Error? kind "refused", "unknown_command", "command_reused", "script", or of the database

---@class fstore.CommandHandler
---@field package store fstore.Store
---@field package decider fstore.Decider
---@field package saga fstore.Saga?
local Handler = {}
Handler.__index = Handler
Handler.__name = "fstore.command_handler"

local command_handler = {}

-- Streams up to this long are loaded many at a time; the rest of a longer one is read on its own.
local PAGE <const> = 200
-- Commands decided before their events are stored together.
local COMMANDS_AT_ONCE <const> = 500
-- A set of commands is stored when it has led to so many events.
local EVENTS_AT_ONCE <const> = 1000

---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.CommandHandlerOptions?
---@return fstore.CommandHandler
function command_handler.new(store, decider, options)
  options = check.options("fstore.command_handler", options,
    { attempts = "integer|nil", cache = "integer|nil", saga = "table|nil", recover = "function|nil" })
  local cache = options.cache or 1000
  if cache < 1 then
    error("fstore.command_handler: cache must be at least 1", 2)
  end
  return setmetatable({
    store = store, decider = decider, saga = options.saga, attempts = options.attempts or 10, recover = options.recover,
    states = state_cache.new(cache),
  }, Handler)
end

-- ---- Loading

local function fold(self, entry, event)
  entry.state = self.decider:evolve(entry.state, event)
  entry.heads[event.decider] = event.event_id
end

local function load_streams(self, name, ids, loaded)
  local events, err = self.store:get_streams(name, ids, PAGE)
  if not events then
    error(err, 0)
  end
  local counts, last_offsets = {}, {}
  for _, event in ipairs(events) do
    local id = event.decider_id
    fold(self, loaded[id], event)
    counts[id], last_offsets[id] = (counts[id] or 0) + 1, event.offset
  end
  for id, count in pairs(counts) do
    if count == PAGE then
      for event in self.store:get_events(id, name, { after = last_offsets[id] }) do
        fold(self, loaded[id], event)
      end
    end
  end
end

local function load_entries(self, ids)
  local loaded = {}
  for _, id in ipairs(ids) do
    loaded[id] = { state = self.decider:initial(), heads = {} }
  end
  for name in pairs(self.decider.streams) do
    load_streams(self, name, ids, loaded)
  end
  return loaded
end

-- ---- A run: commands decided in memory, then stored together

---@class fstore.Run
---@field entries table<string, fstore.Entry> what the run has read, and changed
---@field handled table<string, fstore.HandledCommand> of its commands, those that are repetitions
---@field events table[]
---@field outcomes table<integer, fstore.Outcome>
---@field records table[] of the commands whose sender chose an id
---@field last integer place of the last command decided

local function new_run(first)
  return { entries = {}, handled = {}, events = {}, outcomes = {}, records = {}, last = first - 1 }
end

-- Reads what the commands need: the states of their deciders, and which of them were handled before.
local function load_run(self, run, accepted, first, last)
  local missing, named, seen = {}, {}, {}
  for index = first, last do
    local id = accepted[index].command.decider_id
    if not seen[id] then
      seen[id], run.entries[id] = true, self.states:get(id)
      missing[#missing + 1] = not run.entries[id] and id or nil
    end
    named[#named + 1] = accepted[index].digest and accepted[index].command.command_id
  end
  if #named > 0 then
    run.handled = handled_commands.find(self.store, named)
  end
  if #missing > 0 then
    for id, entry in pairs(load_entries(self, missing)) do
      run.entries[id] = entry
    end
  end
end

local function entry_of(self, run, id)
  local entry = run.entries[id] or self.states:get(id)
  if not entry then
    entry = load_entries(self, { id })[id]
  end
  run.entries[id] = entry
  return entry
end

local function repeated(self, accepted, handled)
  if handled.digest ~= accepted.digest then
    return { error = commands.reused(accepted.command) }
  end
  return { events = handled_commands.events(self.store, handled), repeated = true }
end

local function record(run, accepted, events)
  local event_ids = {}
  for index, event in ipairs(events) do
    event_ids[index] = event.event_id
  end
  run.records[#run.records + 1] = {
    command_id = accepted.command.command_id, digest = accepted.digest, event_ids = event_ids,
  }
end

local function add(run, index, events)
  run.outcomes[index] = { from = #run.events + 1, to = #run.events + #events }
  table.move(events, 1, #events, #run.events + 1, run.events)
end

-- Decides one command; true when the run can go on with the next.
local function decide_next(self, run, accepted, index)
  local handled = accepted.digest and run.handled[accepted.command.command_id]
  if handled then
    run.outcomes[index] = repeated(self, accepted, handled)
    return not run.outcomes[index].error, true
  end
  local stored = unknown_outcome.find(self.store, accepted)
  if stored then
    run.outcomes[index] = { events = stored }
    return true, true
  end
  local ok, events, err, touched = xpcall(decision.decide, errors.from_script, self.decider, self.saga, accepted,
    function(id) return entry_of(self, run, id) end)
  if ok and events then
    add(run, index, events)
    if accepted.digest then
      record(run, accepted, events)
    end
    return true, true
  end
  run.outcomes[index] = { error = ok and err or events }
  -- States that a failure leaves in doubt end the run: what there is is stored, then they are loaded again.
  run.in_doubt = not ok and run.entries or next(touched) and touched
  return false, not run.in_doubt
end

local function decide_run(self, run, accepted, first, last, stop_on_error)
  local named = {}
  for index = first, last do
    local id = accepted[index].digest and accepted[index].command.command_id
    if id and named[id] then
      break -- a repetition of one in this very run
    end
    named[id or false] = true
    local done, can_go_on = decide_next(self, run, accepted[index], index)
    run.last = index
    if not can_go_on or not done and stop_on_error or #run.events >= EVENTS_AT_ONCE then
      break
    end
  end
end

local function append(self, run)
  -- The data go as the text that was checked, whatever evolve has made of the tables since.
  for _, event in ipairs(run.events) do
    event.data, event.raw_data = event.raw_data, nil
  end
  if #run.records == 0 and not self.store:is_in_transaction() then
    return self.store:append_events(run.events)
  end
  return self.store:atomically(function()
    local ok, err = true, nil
    if #run.records > 0 then
      ok, err = handled_commands.record(self.store, run.records)
    end
    if not ok then
      return nil, err
    end
    return self.store:append_events(run.events)
  end)
end

local function keep_states(self, run)
  for id, entry in pairs(run.entries) do
    self.states:put(id, entry)
  end
  for id in pairs(run.in_doubt or {}) do
    self.states:drop(id)
  end
end

-- Stores a run; true when every outcome is settled.
local function store_run(self, run)
  local stored = {}
  decision.check_states(self.decider, run.entries)
  if #run.events > 0 or #run.records > 0 then
    local err
    stored, err = append(self, run)
    if not stored then
      return nil, err
    end
  end
  for _, outcome in pairs(run.outcomes) do
    if outcome.from then
      outcome.events = table.move(stored, outcome.from, outcome.to, 1, {})
      outcome.from, outcome.to = nil, nil
    end
  end
  keep_states(self, run)
  return true
end

local function attempt_run(self, run, accepted, first, last, stop_on_error)
  load_run(self, run, accepted, first, last)
  decide_run(self, run, accepted, first, last, stop_on_error)
  local done, err = store_run(self, run)
  if not done and err.kind == "connection" then
    unknown_outcome.note(run, accepted)
  end
  return done, err
end

-- A run, or nil and why: of the database, or of a script whose fold or state failed.
local function try_run(self, accepted, first, last, stop_on_error)
  local run = new_run(first)
  local ok, done, err = xpcall(attempt_run, errors.from_script, self, run, accepted, first, last, stop_on_error)
  if ok and done then
    return run
  end
  for id in pairs(run.entries) do
    self.states:drop(id)
  end
  err = ok and err or done
  if err.kind == "connection" and self.recover and self.recover(err) then
    err = errors.new("serialization", err.message) -- what was in flight is found out by the next attempt
  end
  return nil, err
end

local CAME_SECOND <const> = { conflict = true, final = true, serialization = true }

-- One command by itself: decided anew as long as others come first.
local function handle_alone(self, accepted, index)
  local run, err
  for _ = 1, self.attempts do
    run, err = try_run(self, accepted, index, index, true)
    if run or not (CAME_SECOND[err.kind] or handled_commands.came_second(err)) then
      break
    end
  end
  return run and run.outcomes[index] or { error = err }
end

local function ends(outcome, stop_on_error)
  return outcome.error and (stop_on_error or outcome.error.kind == "connection")
end

-- Handles accepted[first..last]; fills outcomes and returns the index of the last command that was handled.
local function handle_run(self, accepted, first, last, stop_on_error, outcomes)
  local run, err = try_run(self, accepted, first, last, stop_on_error)
  if run then
    table.move(run.outcomes, first, run.last, first, outcomes)
    return run.last
  elseif err.kind == "connection" then
    outcomes[first] = { error = err }
    return first
  end
  -- Together they failed: each by itself, so that every command gets its own answer.
  for index = first, last do
    outcomes[index] = handle_alone(self, accepted, index)
    if ends(outcomes[index], stop_on_error) then
      return index
    end
  end
  return last
end

local function handle_accepted(self, accepted, stop_on_error)
  local outcomes, index = {}, 1
  while index <= #accepted do
    local last = handle_run(self, accepted, index, math.min(index + COMMANDS_AT_ONCE - 1, #accepted), stop_on_error,
      outcomes)
    if ends(outcomes[last], stop_on_error) then
      break
    end
    index = last + 1
  end
  return outcomes
end

---Handles commands in order, storing the events of many in one round trip. Each command is stored whole or not at all.
---A command whose sender chose its `command_id` is handled once: repeated, it answers with the events it led to.
---@param list fstore.Command[] decider_id is a UUID or a business key; command_id may be missing
---@param options { stop_on_error: boolean? }? stop behind the first command that led to an error
---@return fstore.Outcome[] outcomes in the commands' order; fewer than commands after a stop or a lost connection
function Handler:handle_many(list, options)
  options = check.options("handler:handle_many", options, { stop_on_error = "boolean|nil" })
  local accepted = {}
  for index, command in ipairs(list) do
    accepted[index] = commands.accept(self.decider, command, "command_handler: command " .. index)
  end
  return handle_accepted(self, accepted, options.stop_on_error)
end

---Handles one command.
---@param command fstore.Command
---@return fstore.Event[]? events as stored, fstore.Error? err
function Handler:handle(command)
  local outcome = handle_accepted(self, { commands.accept(self.decider, command, "command_handler: command") })[1]
  return outcome.events, outcome.error
end

---The state of one decider, from all its events.
---@param decider_id string UUID
---@return any state, string? last_id of its last event, with combined deciders of one of its streams
function Handler:state(decider_id)
  local entry = load_entries(self, { decider_id })[decider_id]
  self.states:put(decider_id, entry)
  local _, last_id = next(entry.heads)
  return entry.state, last_id
end

return command_handler
