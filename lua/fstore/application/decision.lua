--- One decision, in memory: the events that a command leads to, and those of the commands that a saga issues then.
local commands = require "fstore.application.commands"
local core = require "fstore.core"
local errors = require "fstore.errors"

---@class fstore.Entry what is known of one decider_id
---@field state any
---@field heads table<string, string> by decider: event_id of the last event of its stream
---@field last_event table? that was decided and not stored yet

local decision = {}

-- A saga and its deciders that go on answering each other must end somewhere.
local COMMANDS_AT_MOST <const> = 1000

local function decide_one(decider, accepted, entry)
  if not accepted.owner then
    return nil, commands.unknown(decider, accepted.command)
  end
  local events, reason = decider:decide(accepted.command, entry.state)
  if not events then
    return nil, commands.refusal(reason)
  end
  return events
end

-- Gives an event its place behind the last one of its stream.
local function complete(event, command, entry)
  event.decider_id, event.command_id = command.decider_id, command.command_id
  event.event_id, event.previous_id = core.uuid.v7(), entry.heads[event.decider]
  entry.heads[event.decider] = event.event_id
end

local function accept_reactions(decider, saga, event, queue)
  for place, issued in ipairs(saga:react(event)) do
    issued.command_id = commands.derived_id(event.event_id, place)
    local accepted = commands.accept(decider, issued, "saga " .. saga.name)
    accepted.cause = event
    queue[#queue + 1] = accepted
  end
end

local function with_cause(err, accepted, saga)
  if accepted.cause then
    err.detail = ("%s of saga %s, in reaction to %s"):format(accepted.command.command, saga.name, accepted.cause.event)
  end
  return err
end

---Decides a command, then those that follow, as a whole: all are accepted, or the first refusal is the answer. The
---states of the entries follow the events; after an error, those of `touched` are in doubt.
---@param decider fstore.Decider
---@param saga fstore.Saga?
---@param first fstore.Accepted
---@param entry_of fun(decider_id: string): fstore.Entry
---@return table[]? events in order of cause, not yet stored, fstore.Error? err, table<string, fstore.Entry> touched
function decision.decide(decider, saga, first, entry_of)
  local queue, events, touched = { first }, {}, {}
  for place = 1, COMMANDS_AT_MOST do
    local accepted = queue[place]
    if not accepted then
      return events, nil, touched
    end
    local command = accepted.command
    local entry = entry_of(command.decider_id)
    local decided, err = decide_one(decider, accepted, entry)
    if not decided then
      return nil, with_cause(err, accepted, saga), touched
    end
    if #decided > 0 then
      touched[command.decider_id], entry.last_event = entry, decided[#decided]
    end
    for _, event in ipairs(decided) do
      complete(event, command, entry)
      if saga then
        accept_reactions(decider, saga, event, queue)
      end
      entry.state = decider:evolve(entry.state, event)
      events[#events + 1] = event
    end
  end
  error(errors.new("script", ("saga %s: %s led to more than %d commands: it answers itself"):format(
    saga.name, first.command.command, COMMANDS_AT_MOST)), 0)
end

---Raises when JSON cannot hold one of the states that decisions led to. Once for many commands: it costs.
---@param decider fstore.Decider
---@param entries table<string, fstore.Entry>
function decision.check_states(decider, entries)
  for _, entry in pairs(entries) do
    if entry.last_event then
      decider:check_state(entry.state, entry.last_event)
      entry.last_event = nil
    end
  end
end

return decision
