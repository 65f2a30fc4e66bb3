--- The command handler: load, fold, decide, append; on a conflict load and decide again.
local check = require "fstore.check"
local core = require "fstore.core"
local errors = require "fstore.errors"
local state_cache = require "fstore.application.state_cache"

---@class fstore.CommandHandlerOptions
---@field attempts integer? how often a command is decided before a conflict is given up (default 10)
---@field cache integer? states of deciders kept in memory between commands (default 1000)

---@class fstore.Outcome what became of one command: events, or an error
---@field events fstore.Event[]? as stored
---@field error fstore.Error? kind "refused", "unknown_command", "script", "conflict", or of the database

---@class fstore.CommandHandler
---@field package store fstore.Store
---@field package decider fstore.Decider
local Handler = {}
Handler.__index = Handler
Handler.__name = "fstore.command_handler"

local command_handler = {}

-- Streams up to this long are loaded many at a time; the rest of a longer one is read on its own.
local PAGE <const> = 200
-- Commands decided before their events are stored together; never more than states are kept.
local COMMANDS_AT_ONCE <const> = 500
-- A set of commands is stored when it has led to so many events.
local EVENTS_AT_ONCE <const> = 1000

---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.CommandHandlerOptions?
---@return fstore.CommandHandler
function command_handler.new(store, decider, options)
  options = check.options("fstore.command_handler", options, { attempts = "integer|nil", cache = "integer|nil" })
  local cache = options.cache or 1000
  if cache < 1 then
    error("fstore.command_handler: cache must be at least 1", 2)
  end
  return setmetatable({
    store = store, decider = decider, attempts = options.attempts or 10,
    states = state_cache.new(cache), run_length = math.min(cache, COMMANDS_AT_ONCE),
  }, Handler)
end

local function fold(self, entry, event)
  entry.state = self.decider:evolve(entry.state, event)
  entry.last_id = event.event_id
end

local function fold_rest(self, entry, decider_id, after)
  for event in self.store:get_events(decider_id, self.decider.name, { after = after }) do
    fold(self, entry, event)
  end
end

local function load_missing(self, ids)
  local events, err = self.store:get_streams(self.decider.name, ids, PAGE)
  if not events then
    error(err, 0)
  end
  local loaded, counts, last_offsets = {}, {}, {}
  for _, id in ipairs(ids) do
    loaded[id], counts[id] = { state = self.decider:initial() }, 0
  end
  for _, event in ipairs(events) do
    local id = event.decider_id
    fold(self, loaded[id], event)
    counts[id], last_offsets[id] = counts[id] + 1, event.offset
  end
  for id, entry in pairs(loaded) do
    if counts[id] == PAGE then
      fold_rest(self, entry, id, last_offsets[id])
    end
    self.states:put(id, entry)
  end
end

-- Sees to it that the states of all the commands' deciders are in memory.
local function load_states(self, commands, first, last)
  local missing, seen = {}, {}
  for index = first, last do
    local id = commands[index].decider_id
    if not seen[id] and not self.states:get(id) then
      missing[#missing + 1] = id
    end
    seen[id] = true
  end
  if #missing > 0 then
    load_missing(self, missing)
  end
end

local function refusal(reason)
  local text = type(reason) == "string" and reason or core.json.encode(reason)
  return errors.new("refused", text, { reason = reason })
end

local function unknown_command(self, command)
  return errors.new("unknown_command", ("decider %s knows no command %q"):format(self.decider.name, command.command),
    { hint = "it knows: " .. table.concat(self.decider:commands(), ", ") })
end

-- Decides one command on the state in memory and puts its events behind it, not yet stored.
local function decide(self, command)
  if not self.decider:knows(command.command) then
    return nil, unknown_command(self, command)
  end
  local entry = self.states:get(command.decider_id)
  local events, reason = self.decider:decide(command, entry.state)
  if not events then
    return nil, refusal(reason)
  end
  for _, event in ipairs(events) do
    event.decider_id, event.command_id = command.decider_id, command.command_id
    event.event_id, event.previous_id = core.uuid.v7(), entry.last_id
    fold(self, entry, event)
  end
  return events
end

---@class fstore.Decided a run of commands decided in memory: their events, and the commands' places among them
local function decide_run(self, commands, first, last, stop_on_error)
  local run = { events = {}, outcomes = {}, last = first - 1 }
  for index = first, last do
    local ok, events, err = xpcall(decide, errors.from_script, self, commands[index])
    if not ok then
      events, err = nil, events
      self.states:drop(commands[index].decider_id)
    end
    run.last = index
    run.outcomes[index] = events and { from = #run.events + 1, to = #run.events + #events } or { error = err }
    table.move(events or {}, 1, events and #events or 0, #run.events + 1, run.events)
    -- After a script's failure its state is in doubt: store what there is and load again.
    if not ok or (err and stop_on_error) or #run.events >= EVENTS_AT_ONCE then
      break
    end
  end
  return run
end

-- Stores a run in one round trip; true when every outcome is settled.
local function store_run(self, run)
  local stored, err = {}, nil
  if #run.events > 0 then
    stored, err = self.store:append_events(run.events)
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
  return true
end

local function attempt_run(self, commands, first, last, stop_on_error)
  load_states(self, commands, first, last)
  local run = decide_run(self, commands, first, last, stop_on_error)
  local done, err = store_run(self, run)
  return done and run or nil, err
end

local function forget(self, commands, first, last)
  for index = first, last do
    self.states:drop(commands[index].decider_id)
  end
end

-- A run, or nil and why: of the database, or of a script whose fold failed.
local function try_run(self, commands, first, last, stop_on_error)
  local ok, run, err = xpcall(attempt_run, errors.from_script, self, commands, first, last, stop_on_error)
  if not ok then
    run, err = nil, run
  end
  if not run then
    forget(self, commands, first, last)
  end
  return run, err
end

local CAME_SECOND <const> = { conflict = true, final = true, serialization = true }

-- One command by itself: decided anew as long as others come first.
local function handle_alone(self, commands, index)
  local run, err
  for _ = 1, self.attempts do
    run, err = try_run(self, commands, index, index, true)
    if run or not CAME_SECOND[err.kind] then
      break
    end
  end
  return run and run.outcomes[index] or { error = err }
end

local function with_identity(command, index)
  local what = ("command_handler: command %d"):format(index)
  check.type(what, command, "table", 5)
  check.type(what .. ": command", command.command, "string", 5)
  check.type(what .. ": decider_id", command.decider_id, "string", 5)
  if command.command_id then
    return command
  end
  local known = {}
  for key, value in pairs(command) do
    known[key] = value
  end
  known.command_id = core.uuid.v7()
  return known
end

local function ends(outcome, stop_on_error)
  return outcome.error and (stop_on_error or outcome.error.kind == "connection")
end

-- Handles commands[first..last]; fills outcomes and returns the index of the last command that was handled.
local function handle_run(self, commands, first, last, stop_on_error, outcomes)
  local run, err = try_run(self, commands, first, last, stop_on_error)
  if run then
    table.move(run.outcomes, first, run.last, first, outcomes)
    return run.last
  elseif err.kind == "connection" then
    outcomes[first] = { error = err }
    return first
  end
  -- Together they failed: each by itself, so that every command gets its own answer.
  for index = first, last do
    outcomes[index] = handle_alone(self, commands, index)
    if ends(outcomes[index], stop_on_error) then
      return index
    end
  end
  return last
end

---Handles commands in order, storing the events of many in one round trip. Each command is stored whole or not at all.
---@param commands fstore.Command[] decider_id is a UUID; command_id may be missing
---@param options { stop_on_error: boolean? }? stop behind the first command that led to an error
---@return fstore.Outcome[] outcomes in the commands' order; fewer than commands after a stop or a lost connection
function Handler:handle_many(commands, options)
  options = check.options("handler:handle_many", options, { stop_on_error = "boolean|nil" })
  local identified, outcomes, index = {}, {}, 1
  for place, command in ipairs(commands) do
    identified[place] = with_identity(command, place)
  end
  while index <= #identified do
    local last = handle_run(self, identified, index, math.min(index + self.run_length - 1, #identified),
      options.stop_on_error, outcomes)
    if ends(outcomes[last], options.stop_on_error) then
      break
    end
    index = last + 1
  end
  return outcomes
end

---Handles one command.
---@param command fstore.Command
---@return fstore.Event[]? events as stored, fstore.Error? err
function Handler:handle(command)
  local outcome = self:handle_many({ command })[1]
  return outcome.events, outcome.error
end

---The state of one decider, from all its events.
---@param decider_id string UUID
---@return any state, string? last_id of its last event
function Handler:state(decider_id)
  self.states:drop(decider_id)
  load_missing(self, { decider_id })
  local entry = self.states:get(decider_id)
  return entry.state, entry.last_id
end

return command_handler
