--- An actor that appends: one or several events, in one or two streams, with the right previous_id or a wrong one, by
--- every way there is, at any isolation; it delays its commits and rolls some back.
local core = require "fstore.core"
local store = require "spec.support.sql_store"
local tasks = require "spec.support.sql_tasks"
local uuid = core.uuid.v4

-- The event to name as the previous one: mostly the last, else none, one nobody has, an older one, another stream's.
local function previous_of(world, session, dice, decider, id)
  local kind = dice:number(20)
  if kind == 1 then return nil end
  if kind == 2 then return uuid() end
  local events = session:call("get_events", kind == 3 and dice:pick(world.partitions) or id, decider)
  if not events or #events == 0 then return nil end
  return (kind == 4 and dice:pick(events) or events[#events]).event_id
end

local function make_event(dice, decider, id, previous)
  return {
    event = dice:chance(1) and "Unheard" or "Placed", event_id = uuid(), decider = decider, decider_id = id,
    data = ('{"n": %d}'):format(dice:number(1000)), command_id = uuid(), previous_id = previous or store.null,
    event_version = 1, final = dice:number(300) == 1,
  }
end

-- Chains of up to three events, in one or two streams.
local function make_events(world, session, dice)
  local events = {}
  for _ = 1, dice:chance(25) and 2 or 1 do
    local place, decider = dice:number(#world.partitions), dice:pick { "Order", "Parcel" }
    if dice:chance(2) then world:renew(place) end
    local id = world.partitions[place]
    local previous = previous_of(world, session, dice, decider, id)
    for _ = 1, dice:number(3) do
      events[#events + 1] = make_event(dice, decider, id, previous)
      previous = events[#events].event_id
    end
  end
  return events
end

local columns = { "event", "event_id", "decider", "decider_id", "data", "command_id", "previous_id", "event_version",
  "final" }

local function append_set(session, events)
  local arguments = {}
  for i, name in ipairs(columns) do
    local values = {}
    for j, event in ipairs(events) do values[j] = event[name] end
    arguments[i] = values
  end
  return session:call("append_events", table.unpack(arguments))
end

local function append_one(session, event)
  return session:call("append_event", event.event, event.event_id, event.decider, event.decider_id, event.data,
    event.command_id, event.previous_id, event.event_version, event.final)
end

local function append_one_by_one(session, events)
  local rows = {}
  for i, event in ipairs(events) do
    local row, err = append_one(session, event)
    if not row then return nil, err end
    rows[i] = row[1]
  end
  return rows
end

-- A bare INSERT, with the store's courtesy checks or without.
local function insert(session, events, is_unchecked)
  local tuples, values = {}, {}
  for i, event in ipairs(events) do
    local places = {}
    for j, name in ipairs(columns) do
      values[#values + 1] = event[name]
      places[j] = "$" .. #values
    end
    tuples[i] = "(" .. table.concat(places, ", ") .. ")"
  end
  return session:try(("%sINSERT INTO events (%s) VALUES %s RETURNING *"):format(
    is_unchecked and "SET LOCAL fstore.checked = 'by statement'; " or "", table.concat(columns, ", "),
    table.concat(tuples, ", ")), table.unpack(values))
end

local function append(session, dice, events)
  local way = dice:number(4)
  if way == 1 then return append_set(session, events) end
  if way == 2 then return append_one_by_one(session, events) end
  return insert(session, events, way == 3)
end

local function begin(session, dice)
  local level = dice:chance(80) and "READ COMMITTED" or dice:pick { "REPEATABLE READ", "SERIALIZABLE" }
  session:query("BEGIN ISOLATION LEVEL " .. level)
end

local function end_transaction(world, session, dice)
  if dice:chance(40) then tasks.sleep(dice:number(15)) end
  if dice:chance(15) then
    session:query("ROLLBACK")
    return false
  end
  local ok, err = session:try("COMMIT")
  if not ok then world:refused(err) end
  return ok ~= nil
end

-- One transaction of one to three appends; the rows that it stored, or would have.
local function transaction(world, session, dice)
  local stored, tried = {}, {}
  begin(session, dice)
  for _ = 1, dice:chance(25) and 3 or 1 do
    local events = make_events(world, session, dice)
    table.move(events, 1, #events, #tried + 1, tried)
    local rows, err = append(session, dice, events)
    if not rows then
      world:refused(err)
      session:query("ROLLBACK")
      return nil, tried
    end
    table.move(rows, 1, #rows, #stored + 1, stored)
  end
  return end_transaction(world, session, dice) and stored or nil, tried
end

---@param world spec.sql.World
---@param dice spec.sql.Dice
return function(world, dice)
  local session = world:client()
  while not world.is_over do
    local stored, tried = transaction(world, session, dice)
    for _, row in ipairs(stored or {}) do
      world.log.appended[row.event_id] = row
      world:count "appended"
    end
    for _, event in ipairs(stored and {} or tried) do world.log.undone[event.event_id] = true end
    if dice:chance(50) then tasks.sleep(dice:number(10)) end
  end
  session:close()
end
