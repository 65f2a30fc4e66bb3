--- A decider, tried: each command is decided with the checks that only tests can afford.
local core = require "fstore.core"
local diff = require "fstore.testing.diff"
local failure = require "fstore.testing.failure"
local ids = require "fstore.ids"
local value = require "fstore.model.value"

local trial = {}

local ROOT <const> = "6ba7b812-9dad-11d1-80b4-00c04fd430c8"

---@param text string
---@return string uuid the same for the same text
function trial.id(text)
  return core.uuid.v5(ROOT, text)
end

---A value as it comes back from the store. Raises what JSON cannot hold.
---@param name string
---@param item any
---@return any
function trial.through_json(name, item)
  local encoded, problem = value.encode(name, item)
  if not encoded then
    failure.raise("%s", problem)
  end
  return core.json.decode(tostring(encoded))
end

---An event as it would be loaded; in its newest version, unless it says which.
---@param model fstore.Decider? that may declare it
---@param event table
---@param place integer in the stream
---@return table
function trial.event(model, event, place)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    failure.raise("event %d is not { event = NAME, data = … }", place)
  end
  local declared = model and model:declaration(event)
  local loaded = {
    event_id = trial.id("event " .. place), command_id = trial.id("command " .. place), decider_id = trial.id "decider",
    event_version = declared and declared.version or 1, final = declared and declared.final or false, offset = place,
    created_at = ("2020-01-01T00:00:%02d.000000Z"):format(place % 60),
  }
  for key, item in pairs(event) do
    loaded[key] = item
  end
  loaded.raw_data = nil
  loaded.data = trial.through_json(event.event .. ": data", event.data == nil and {} or event.data)
  return loaded
end

---A command as a handler would hand it to decide.
---@param decider fstore.Decider
---@param given table
---@return fstore.Command
function trial.command(decider, given)
  if type(given) ~= "table" or type(given.command) ~= "string" then
    failure.raise("the command is not { command = NAME, data = … }")
  end
  local owner = decider:owner(given)
  if not owner then
    local known = decider:commands()
    failure.raise("decider %s knows no command %s%s", decider.name, given.command,
      known and ": it knows " .. table.concat(known, ", ") or "")
  end
  local id = given.decider_id or trial.id "decider"
  return {
    command = given.command, decider_id = ids.decider_id(owner, id),
    command_id = given.command_id or trial.id "command",
    key = given.key or not core.uuid.is_uuid(id) and id or nil,
    data = trial.through_json(given.command .. ": data", given.data == nil and {} or given.data),
  }
end

local function check_same(what, expected, actual)
  local difference = diff.of(expected, actual)
  if difference then
    failure.raise("%s:\n%s", what, difference)
  end
end

---@param events table[]?
---@return table[]? name and data of each
function trial.plain(events)
  if not events then
    return nil
  end
  local plain = core.json.array {}
  for index, event in ipairs(events) do
    plain[index] = { event = event.event, data = event.data }
  end
  return plain
end

local function decide_twice(decider, command, state)
  local before = value.copy(state)
  local events, reason = decider:decide(value.copy(command), state)
  check_same(("decide changed the state, on %s (- before, + after)"):format(command.command), before, state)
  local again, other_reason = decider:decide(value.copy(command), state)
  check_same(("decide is not pure: twice the same %s led to (- first, + second)"):format(command.command),
    { events = trial.plain(events), refused = reason }, { events = trial.plain(again), refused = other_reason })
  return events, reason
end

---Decides and folds one command.
---@param decider fstore.Decider
---@param command fstore.Command
---@param state any
---@return any state, table[]? events, any reason
function trial.decide(decider, command, state)
  local events, reason = decide_twice(decider, command, state)
  for place, event in ipairs(events or {}) do
    state = trial.evolve(decider, state, trial.event(decider, event, place))
  end
  return state, events, reason
end

---@param decider fstore.Decider
---@param state any
---@param event table as loaded
---@return any state
function trial.evolve(decider, state, event)
  if not decider:declaration(event) then
    failure.raise("%s is not declared by decider %s", event.event, decider.name)
  end
  local before = value.copy(state)
  local evolved = decider:evolve(state, event)
  decider:check_state(evolved, event)
  local again = decider:evolve(before, trial.event(decider, event, event.offset))
  check_same(("evolve is not pure: twice the same %s led to (- first, + second)"):format(event.event), evolved, again)
  return evolved
end

return trial
