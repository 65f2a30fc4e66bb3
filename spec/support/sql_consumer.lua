--- Actors that consume a view: one by tokens, which acks, nacks, schedules, comes late, dies and forgets; and one as
--- the original's clients do. They write down what they were handed, and which acks were accepted.
local tasks = require "spec.support.sql_tasks"

local consumer = {}

-- The events of a lease by partition, in the order of the lease's rows.
local function by_partition(rows)
  local parts, list = {}, {}
  for _, row in ipairs(rows) do
    local part = parts[row.decider_id]
    if not part then
      part = { decider_id = row.decider_id, token = row.token, offsets = {} }
      parts[row.decider_id] = part
      list[#list + 1] = part
    end
    table.insert(part.offsets, row.offset)
  end
  return list
end

-- What one turn has to say; it counts when its transaction is committed.
local function new_notes(view) return { view = view, leases = {}, acks = {} } end

local function write_leases(notes, parts)
  for _, part in ipairs(parts) do
    part.view = notes.view
    table.insert(notes.leases, part)
  end
end

local function write_acks(notes, tokens, rows)
  for _, lock in ipairs(rows) do
    local token = tokens[lock.decider_id]
    table.insert(notes.acks,
      { view = notes.view, decider_id = lock.decider_id, token = token, offset = lock.last_offset })
  end
end

local function hand_in(world, notes)
  for _, what in ipairs { "leases", "acks" } do
    local log = world.log[what]
    table.move(notes[what], 1, #notes[what], #log + 1, log)
    for _ = 1, #notes[what] do world:count(what) end
  end
end

local function ack_one(session, notes, part, offset)
  local rows = assert(session:call("ack_event", notes.view, part.decider_id, offset, part.token))
  write_acks(notes, { [part.decider_id] = part.token }, rows)
end

-- Several acks in one call, old ones of the same partitions among them.
local function ack_many(session, notes, parts)
  local ids, offsets, tokens, newest = {}, {}, {}, {}
  for i, part in ipairs(parts) do
    ids[i], offsets[i], tokens[i] = part.decider_id, part.offsets[#part.offsets], part.token
    newest[part.decider_id] = math.max(newest[part.decider_id] or 0, part.token)
  end
  write_acks(notes, newest, assert(session:call("ack_events", notes.view, ids, offsets, tokens)))
end

-- What becomes of one leased partition. Those to be acked together, and those to be acked late, are collected.
local function handle(session, notes, dice, part, together, late)
  local fate = dice:number(20)
  if fate <= 9 then
    together[#together + 1] = part
  elseif fate <= 12 then
    ack_one(session, notes, part, part.offsets[#part.offsets])
  elseif fate <= 14 then
    ack_one(session, notes, part, dice:pick(part.offsets))
  elseif fate <= 16 then
    assert(session:call("nack_event", notes.view, part.decider_id, part.token))
  elseif fate == 17 then
    assert(session:call("schedule_nack_event", notes.view, part.decider_id, dice:number(40), part.token))
  elseif fate == 18 then
    late[#late + 1] = part
  end -- else it is forgotten
end

-- Leases that are over at once, or last a second.
local function lease(session, notes, dice, seconds)
  local parts = by_partition(session:lease(notes.view, dice:number(20), seconds))
  write_leases(notes, parts)
  return parts
end

local function behave(session, notes, dice)
  local parts = lease(session, notes, dice, 1)
  ack_many(session, notes, parts)
  return #parts
end

local function misbehave(session, notes, dice, late)
  local parts = lease(session, notes, dice, dice:chance(60) and 0 or 1)
  local together = {}
  if dice:chance(30) then tasks.sleep(dice:number(10)) end
  for _, part in ipairs(parts) do handle(session, notes, dice, part, together, late) end
  if dice:chance(30) then
    table.move(late, 1, #late, #together + 1, together)
    for i = #late, 1, -1 do late[i] = nil end
  end
  ack_many(session, notes, together)
  return #parts
end

-- One turn, statement by statement or as one transaction, which may be rolled back. Either may meet a deadlock: with
-- appends to several partitions in one transaction.
local function turn(world, session, view, dice, late)
  local notes = new_notes(view)
  local is_transaction = not world.is_over and dice:chance(25)
  if is_transaction then session:query("BEGIN") end
  local ok, result = pcall(world.is_over and behave or misbehave, session, notes, dice, late)
  if not ok then world:refused(result) end
  local is_kept = not is_transaction or ok and dice:chance(80)
  if is_transaction then session:query(is_kept and "COMMIT" or "ROLLBACK") end
  if is_kept then hand_in(world, notes) end
  return ok and result or 0
end

---@param world spec.sql.World
---@param view string
---@param dice spec.sql.Dice
function consumer.by_token(world, view, dice)
  local session, late = world:client(), {}
  while not world.is_drained do
    if turn(world, session, view, dice, late) == 0 then tasks.sleep(5) end
    if dice:chance(2) then -- it dies, with what it had leased
      session:close()
      session, late = world:client(), {}
      world:count "died"
    end
  end
  session:close()
end

--- Alone on its view, and always in time.
---@param world spec.sql.World
---@param view string
function consumer.as_original(world, view)
  local session = world:client()
  while not world.is_drained do
    session:query("BEGIN")
    local rows = assert(session:call("stream_events", view, 5))
    for _, row in ipairs(rows) do -- the token only serves the log
      row.token = session:value("SELECT token FROM locks WHERE view = $1 AND decider_id = $2", view, row.decider_id)
    end
    session:query("COMMIT")
    local parts, notes = by_partition(rows), new_notes(view)
    write_leases(notes, parts)
    for _, part in ipairs(parts) do
      local accepted = assert(session:call("ack_event", view, part.decider_id, part.offsets[1]))
      write_acks(notes, { [part.decider_id] = part.token }, accepted)
    end
    hand_in(world, notes)
    if #parts == 0 then tasks.sleep(5) end
  end
  session:close()
end

return consumer
