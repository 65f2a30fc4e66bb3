--- The store's methods for its operators: how far views are, what is parked, and replays.
local check = require "fstore.check"
local params = require "fstore.store.params"

---@class fstore.Store
local Store = {}

-- Partitions that a replay moves in one transaction: appends to them wait for its end.
local PARTITIONS_AT_ONCE <const> = 1000

---Sets partitions aside: nothing of them is leased until `resume_events`. Who holds a lease on one has lost it.
---@param view string
---@param partitions { decider_id: string, token: integer?, error: string? }[] token: only if that lease still holds
---@return table[]? locks the rows of `locks` parked now, fstore.Error? err
function Store:park_events(view, partitions)
  return self:exec(([[
    SELECT * FROM %s.park_events($1, ARRAY(SELECT jsonb_array_elements_text($2)::uuid),
      ARRAY(SELECT jsonb_array_elements_text($3)::bigint), ARRAY(SELECT jsonb_array_elements_text($4)))]])
    :format(self:quoted_schema()), view, params.fields(partitions, "decider_id"), params.fields(partitions, "token"),
    params.fields(partitions, "error"))
end

---Takes parked partitions back where they stopped.
---@param view string
---@param decider_ids string[]? UUIDs (default: all that are parked)
---@param options { skip: boolean? }? skip: go on behind the event that a partition stopped at
---@return table[]? locks the rows of `locks` resumed now, fstore.Error? err
function Store:resume_events(view, decider_ids, options)
  options = check.options("store:resume_events", options, { skip = "boolean|nil" })
  return self:exec(([[
    SELECT * FROM %s.resume_events($1, CASE WHEN $2::jsonb IS NOT NULL
      THEN ARRAY(SELECT jsonb_array_elements_text($2)::uuid) END, $3)]]):format(self:quoted_schema()),
    view, decider_ids and params.list(decider_ids), options.skip or false)
end

---The parked partitions of a view, or of all, and the events that they stopped at.
---@param view string? name (default: all)
---@return table[]? rows of parked_events(), parked_at in UTC as an event's created_at, fstore.Error? err
function Store:parked_events(view)
  return self:exec(([[
    SELECT view, decider_id, attempts, "offset", decider, event, event_id, last_error,
      to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS parked_at
    FROM %s.parked_events($1)]]):format(self:quoted_schema()), view)
end

---@class fstore.Replay what is to be handled again (default: all, from where the view starts)
---@field from_time string? timestamp: from the first event created then or later
---@field from_offset integer?
---@field decider string? only partitions with events of this decider, from the first of these
---@field decider_id string? UUID: only this partition

local REPLAY <const> = {
  from_time = "string|nil", from_offset = "integer|nil", decider = "string|nil", decider_id = "string|nil",
}

---What `replay_view` would do now.
---@param view string
---@param replay fstore.Replay?
---@return { partitions: integer, events: integer, parked: integer }? plan, fstore.Error? err
function Store:replay_plan(view, replay)
  replay = check.options("store:replay_plan", replay, REPLAY)
  local rows, err = self:exec(([[
    SELECT count(*) AS partitions, coalesce(sum(events), 0)::bigint AS events,
      count(*) FILTER (WHERE is_parked) AS parked
    FROM %s.replay_positions($1, $2, $3, $4, $5)]]):format(self:quoted_schema()),
    view, replay.from_time, replay.from_offset, replay.decider, replay.decider_id)
  return rows and rows[1], err
end

---Moves a view back, so that events it has handled come again, and ends the leases on what it moves: a consumer at work
---can neither ack nor write any more. What the view has written stays. Outside a transaction it goes chunk by chunk, so
---that appends wait for a moment only; repeat it when it was broken off.
---@param view string
---@param replay fstore.Replay?
---@return { partitions: integer, until_offset: integer }? moved until_offset: the last event of these partitions
---@return fstore.Error? err
function Store:replay_view(view, replay)
  replay = check.options("store:replay_view", replay, REPLAY)
  local sql = ([[
    SELECT count(*) AS partitions, coalesce(max("offset"), 0) AS until_offset, max(decider_id::text) AS last
    FROM %s.replay_view($1, $2, $3, $4, $5, $6, $7)]]):format(self:quoted_schema())
  local limit = not self:is_in_transaction() and PARTITIONS_AT_ONCE or nil
  local moved, after = { partitions = 0, until_offset = 0 }, nil
  repeat
    local rows, err = self:exec(sql, view, replay.from_time, replay.from_offset, replay.decider, replay.decider_id,
      after, limit)
    if not rows then
      return nil, err
    end
    moved.partitions = moved.partitions + rows[1].partitions
    moved.until_offset = math.max(moved.until_offset, rows[1].until_offset)
    after = rows[1].last
  until not limit or rows[1].partitions < limit
  return moved
end

---How many events up to an offset a view has yet to handle; those of parked partitions do not count.
---@param view string
---@param until_offset integer
---@param decider_id string? UUID: only this partition
---@return integer? count, fstore.Error? err
function Store:pending_events(view, until_offset, decider_id)
  local rows, err = self:exec(("SELECT %s.pending_events($1, $2, $3) AS count"):format(self:quoted_schema()), view,
    until_offset, decider_id)
  return rows and rows[1].count, err
end

---The last offset handed out, and the transactions that may still commit events up to it: when they have ended, the log
---is complete that far.
---@return { offset: integer, in_flight: string[] }? horizon, fstore.Error? err
function Store:log_horizon()
  local rows, err = self:exec(('SELECT "offset", to_jsonb(in_flight) AS in_flight FROM %s.log_horizon()')
    :format(self:quoted_schema()))
  return rows and rows[1], err
end

---How far each view, or one, has come.
---@param view string? name (default: all)
---@return table[]? rows of view_status(), fstore.Error? err
function Store:view_status(view)
  return self.connection:exec(("SELECT * FROM %s.view_status($1)"):format(self:quoted_schema()), view)
end

return Store
