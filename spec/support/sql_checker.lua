--- Verifies the invariants from what is in the tables and from what clients wrote down: it knows nothing of the store's
--- own SQL. Each check returns the violations it found, as text that begins with the invariant's number.
local checker = {}

---@class spec.sql.Log what clients write down
---@field appended table<string, table> rows of events as returned, by event_id, whose transaction was committed
---@field undone table<string, boolean> event_ids whose transaction was rolled back
---@field registrations spec.sql.Registration[]
---@field leases spec.sql.Lease[]
---@field acks spec.sql.Ack[] those that were accepted

---@class spec.sql.Registration the locks of a view as its registration left them
---@field view string
---@field start_at string as the table has it
---@field locks table<string, { token: integer, last_offset: integer }> by decider_id

---@class spec.sql.Lease
---@field view string
---@field decider_id string
---@field token integer
---@field offsets integer[]

---@class spec.sql.Ack
---@field view string
---@field decider_id string
---@field token integer
---@field offset integer

local function reporter()
  local violations = {}
  return violations, function(text, ...) violations[#violations + 1] = text:format(...) end
end

local function group(rows, key_of)
  local groups, keys = {}, {}
  for _, row in ipairs(rows) do
    local key = key_of(row)
    if not groups[key] then
      groups[key] = {}
      keys[#keys + 1] = key
    end
    table.insert(groups[key], row)
  end
  table.sort(keys)
  local i = 0
  return function()
    i = i + 1
    return keys[i], groups[keys[i]]
  end
end

local function stream_of(row) return row.decider .. " " .. row.decider_id end

local function check_stream(stream, events, report)
  local before
  for _, event in ipairs(events) do
    if event.previous_id == nil and before then report("I1 %s: %d is a second first event", stream, event.offset) end
    if event.previous_id and event.previous_id ~= (before or {}).event_id then
      report("I2 %s: %d does not follow the event before it", stream, event.offset)
    end
    if before and before.final then report("I3 %s: %d follows a final event", stream, event.offset) end
    before = event
  end
end

--- I1 to I4.
---@param events table[] all rows of events by offset
---@param deciders table[] all rows of deciders
---@return string[] violations
function checker.streams(events, deciders)
  local violations, report = reporter()
  local registered = {}
  for _, row in ipairs(deciders) do registered[row.decider .. "/" .. row.event .. "/" .. row.event_version] = true end
  for _, event in ipairs(events) do
    if not registered[event.decider .. "/" .. event.event .. "/" .. event.event_version] then
      report("I4 %d: %s of %s is not registered", event.offset, event.event, event.decider)
    end
  end
  for stream, rows in group(events, stream_of) do check_stream(stream, rows, report) end
  return violations
end

local kept = { "event", "event_version", "decider", "decider_id", "data", "command_id", "previous_id", "final",
  "created_at", "offset" }

--- I5: what was committed is there as it was, and nothing else.
---@param events table[]
---@param log spec.sql.Log
---@return string[] violations
function checker.immutability(events, log)
  local violations, report = reporter()
  local there = {}
  for _, event in ipairs(events) do
    there[event.event_id] = event
    if log.undone[event.event_id] then report("I5 %d was rolled back, and is there", event.offset) end
  end
  for event_id, event in pairs(log.appended) do
    for _, field in ipairs(kept) do
      if not there[event_id] or there[event_id][field] ~= event[field] then
        report("I5 %s of event %d is gone or changed", field, event.offset)
      end
    end
  end
  return violations
end

--- I6: each view has each partition, up to its last event, and all of it is handled.
---@param events table[]
---@param views table[]
---@param locks table[]
---@return string[] violations
function checker.drained(events, views, locks)
  local violations, report = reporter()
  local heads, found = {}, {}
  for _, event in ipairs(events) do heads[event.decider_id] = event.offset end
  for _, lock in ipairs(locks) do found[lock.view .. lock.decider_id] = lock end
  for _, view in ipairs(views) do
    for decider_id, head in pairs(heads) do
      local lock = found[view.view .. decider_id]
      if not lock then
        report("I6 %s has no lock on %s", view.view, decider_id)
      elseif lock.offset ~= head or lock.last_offset ~= head then
        report("I6 %s %s: the last event is %d, the lock says %d, handled %d", view.view, decider_id, head, lock.offset,
          lock.last_offset)
      end
    end
  end
  return violations
end

local function by_token(a, b) return a.token < b.token end

-- What happened to a partition of a view, in the order of tokens. A registration comes with the tokens it gave.
local function history(log, view)
  local partitions = {}
  local function add(decider_id, entry)
    partitions[decider_id] = partitions[decider_id] or {}
    table.insert(partitions[decider_id], entry)
  end
  for _, registration in ipairs(log.registrations) do
    if registration.view == view then
      for decider_id, lock in pairs(registration.locks) do
        add(decider_id, { token = lock.token, position = lock.last_offset })
      end
    end
  end
  for _, lease in ipairs(log.leases) do
    if lease.view == view then add(lease.decider_id, lease) end
  end
  for _, entries in pairs(partitions) do table.sort(entries, by_token) end
  return partitions
end

local function acked_by_token(log, view)
  local acked = {}
  for _, ack in ipairs(log.acks) do
    if ack.view == view then
      local key = ack.decider_id .. ack.token
      acked[key] = math.max(acked[key] or 0, ack.offset)
    end
  end
  return acked
end

-- I6: what start_at covers is not counted as handled. Timestamps of one time zone compare as text.
local function check_registrations(events, log, report)
  for _, registration in ipairs(log.registrations) do
    for _, event in ipairs(events) do
      local lock = registration.locks[event.decider_id]
      if lock and event.offset <= lock.last_offset and event.created_at >= registration.start_at then
        report("I6 %s begins behind %d, which it covers", registration.view, event.offset)
      end
    end
  end
end

-- The partition's offsets behind `after`, as many as were leased.
local function expected(offsets, after, count)
  local list = {}
  for _, offset in ipairs(offsets) do
    if offset > after and #list < count then list[#list + 1] = offset end
  end
  return table.concat(list, " ")
end

-- A lease hands out exactly the events behind what was acked under the tokens before it: so nothing is skipped, comes
-- out of order or twice, an ack of an older token has had no effect, and only a registration moves progress back. And
-- no event is seen for the first time behind a later one.
local function check_partition(name, entries, offsets, acked, report)
  local progress, seen = 0, 0
  local is_seen = {}
  for _, entry in ipairs(entries) do
    if entry.position then
      progress, seen, is_seen = entry.position, entry.position, {}
    else
      local handed = table.concat(entry.offsets, " ")
      local due = expected(offsets, progress, #entry.offsets)
      if handed ~= due then report("I6 I7 I8 %s: token %d got %s, due was %s", name, entry.token, handed, due) end
      for _, offset in ipairs(entry.offsets) do
        if offset < seen and not is_seen[offset] then report("I6 %s: %d came after %d", name, offset, seen) end
        is_seen[offset], seen = true, math.max(seen, offset)
      end
      progress = math.max(progress, acked[entry.decider_id .. entry.token] or 0)
    end
  end
  if progress ~= offsets[#offsets] then
    report("I6 %s: handled up to %d of %d", name, progress, offsets[#offsets])
  end
end

--- I6, I7, I8: each view saw each event, in order within its partition, and only the holder of a lease moved progress.
--- For views that were read to their end, and by token only.
---@param events table[]
---@param views table[]
---@param log spec.sql.Log
---@return string[] violations
function checker.deliveries(events, views, log)
  local violations, report = reporter()
  check_registrations(events, log, report)
  for _, view in ipairs(views) do
    local partitions, acked = history(log, view.view), acked_by_token(log, view.view)
    for decider_id, rows in group(events, function(event) return event.decider_id end) do
      local offsets = {}
      for i, event in ipairs(rows) do offsets[i] = event.offset end
      check_partition(view.view .. " " .. decider_id, partitions[decider_id] or {}, offsets, acked, report)
    end
  end
  return violations
end

--- All checks of a store that is at rest.
---@param client spec.sql.Session
---@param log? spec.sql.Log without it only I1 to I4
---@return string[] violations
function checker.verify(client, log)
  local events = client:query('SELECT * FROM events ORDER BY "offset"')
  local violations = checker.streams(events, client:query("SELECT * FROM deciders"))
  if not log then return violations end
  local views, locks = client:query("SELECT * FROM views"), client:query("SELECT * FROM locks")
  for _, found in ipairs {
    checker.immutability(events, log), checker.drained(events, views, locks), checker.deliveries(events, views, log),
  } do
    table.move(found, 1, #found, #violations + 1, violations)
  end
  return violations
end

return checker
