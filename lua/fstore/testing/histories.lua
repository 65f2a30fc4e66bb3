--- Random histories: commands drawn at random, what must always hold checked after each, the shortest failure shown.
local by_type = require "fstore.model.by_type"
local check = require "fstore.check"
local core = require "fstore.core"
local diff = require "fstore.testing.diff"
local failure = require "fstore.testing.failure"
local random = require "fstore.testing.random"
local trial = require "fstore.testing.trial"

---@class fstore.HistoriesOptions
---@field commands table<string, fun(random: fstore.Random, state: any): any> makes a command's data; nil: not now
---@field invariant? fun(state: any, events: table[]) raises, or returns false and why, when something does not hold
---@field runs? integer histories (default 100)
---@field length? integer commands in each (default 20)
---@field seed? integer another seed, other histories (default 1)

local histories = {}

local function check_invariant(options, state, events)
  local holds, why = true, nil
  if options.invariant then
    holds, why = options.invariant(state, events)
  end
  if holds == false then
    error(why or "the invariant does not hold", 0)
  end
end

-- The states of a stream loaded anew must be those seen while it came to be.
local function check_replay(decider, state, events)
  local replayed = decider:initial()
  for place, event in ipairs(events) do
    replayed = decider:evolve(replayed, trial.event(decider, event, place))
  end
  local difference = diff.of(state, replayed)
  if difference then
    error("the state folded from all events is another (- while deciding, + loaded):\n" .. difference, 0)
  end
end

---@class fstore.History
---@field commands table[]
---@field story string[]
---@field accepted integer
---@field events table[] of all commands so far
---@field state any
---@field problem string? what failed, at the last command

local function new_history(decider)
  return { commands = {}, story = {}, accepted = 0, events = core.json.array {}, state = decider:initial() }
end

local function tell(command, events, reason)
  local outcome = "refused: " .. (type(reason) == "string" and reason or core.json.encode(reason or core.json.null))
  if events then
    local names = {}
    for index, event in ipairs(events) do
      names[index] = ("%s %s"):format(event.event, core.json.encode(event.data))
    end
    outcome = #names > 0 and table.concat(names, ", ") or "nothing"
  end
  return ("%s %s\n     → %s"):format(command.command, core.json.encode(command.data), outcome)
end

local function play(decider, options, history, command)
  local state, events, reason = trial.decide(decider, trial.command(decider, command), history.state)
  history.story[#history.commands] = tell(command, events, reason)
  history.state, history.accepted = state, history.accepted + (events and 1 or 0)
  table.move(events or {}, 1, events and #events or 0, #history.events + 1, history.events)
  check_invariant(options, state, history.events)
  check_replay(decider, state, history.events)
end

-- Adds one command; true when everything held.
local function step(decider, options, history, command)
  history.commands[#history.commands + 1] = command
  history.story[#history.commands] = ("%s %s"):format(command.command, core.json.encode(command.data))
  local ok, problem = failure.catch(play, decider, options, history, command)
  history.problem = not ok and tostring(problem) or nil
  return ok
end

local function replay(decider, options, commands)
  local history = new_history(decider)
  for _, command in ipairs(commands) do
    if not step(decider, options, history, command) then
      break
    end
  end
  return history
end

local function without(list, from, count)
  local rest = table.move(list, 1, from - 1, 1, {})
  return table.move(list, from + count, #list, from, rest)
end

-- Leaves out as many commands as possible, in ever smaller pieces, as long as what is left fails.
local function shortest(decider, options, history)
  local piece = #history.commands // 2
  while piece >= 1 do
    local from, found = 1, false
    while from + piece - 1 <= #history.commands do
      local shorter = replay(decider, options, without(history.commands, from, piece))
      if shorter.problem then
        history, found = shorter, true
      else
        from = from + piece
      end
    end
    if not found or piece > 1 then
      piece = piece // 2
    end
  end
  return history
end

local function draw(dice, options, names, state)
  local name = dice:one_of(names)
  local data = options.commands[name](dice, state)
  if data == nil then
    return nil
  end
  return { command = name, data = data }
end

local function run(decider, options, names, dice)
  local history = new_history(decider)
  for _ = 1, options.length or 20 do
    local command = draw(dice, options, names, history.state)
    if command and not step(decider, options, history, command) then
      break
    end
  end
  return history
end

local function report(history, number, seed)
  local lines = { ("%s\nThe shortest history found that fails (seed %d, history %d):"):format(
    history.problem, seed, number) }
  for index, line in ipairs(history.story) do
    lines[#lines + 1] = ("  %d. %s"):format(index, line)
  end
  return table.concat(lines, "\n")
end

local KEYS <const> = {
  commands = "table", invariant = "function|nil", runs = "integer|nil", length = "integer|nil", seed = "integer|nil",
}

---@param decider fstore.Decider
---@param options fstore.HistoriesOptions
---@return { commands: integer, accepted: integer } counts
function histories.check(decider, options)
  check.options("testing.histories", options, KEYS, 4)
  local names, seed, counts = by_type.names(options.commands), options.seed or 1, { commands = 0, accepted = 0 }
  local dice = random.new(seed)
  for number = 1, options.runs or 100 do
    local history = run(decider, options, names, dice)
    if history.problem then
      failure.raise("%s", report(shortest(decider, options, history), number, seed))
    end
    counts.commands, counts.accepted = counts.commands + #history.commands, counts.accepted + history.accepted
  end
  if counts.accepted == 0 then
    failure.raise("none of %d commands was accepted: nothing was tried", counts.commands)
  end
  return counts
end

return histories
