--- The store's methods of event streaming: views, leases and waiting for events.
local params = require "fstore.store.params"

---@class fstore.Store
local Store = {}

---@class fstore.ViewRegistration
---@field view string name
---@field start_at string? timestamp, "-infinity", or nil: now for a new view, progress kept for an old one
---@field lock_timeout_s integer? seconds a lease lasts (default 300)
---@field pooling_delay_s integer? seconds between polls when pushed
---@field edge_function_url string? where to push events to
---@field max_attempts integer? after which a host parks a partition (default 10)

local IN_FLIGHT_POLL_MS <const> = 20
local PARTITIONS_AT_ONCE <const> = 1000 -- a transaction of so many holds nobody up for long

-- The appends that began before the view was there must end before its locks are filled in; new ones see the view.
local function wait_for_earlier_appends(self)
  local rows, err = self:exec(("SELECT t FROM %s.appends_in_flight() AS t"):format(self:quoted_schema()))
  local earlier = {}
  for _, row in ipairs(rows or {}) do
    earlier[row.t] = true
  end
  while rows and next(earlier) do
    self.connection:wait(IN_FLIGHT_POLL_MS)
    rows, err = self:exec(("SELECT t FROM %s.appends_in_flight() AS t"):format(self:quoted_schema()))
    local still = {}
    for _, row in ipairs(rows or {}) do
      still[row.t] = earlier[row.t]
    end
    earlier = still
  end
  return rows and true, err
end

local function fill_view(self, view)
  local ok, err = wait_for_earlier_appends(self)
  local after
  while ok do
    local rows
    rows, err = self:exec(("SELECT %s.fill_view($1, $2, $3) AS last"):format(self:quoted_schema()), view, after,
      PARTITIONS_AT_ONCE)
    after = rows and rows[1].last
    if not after then
      return rows and true, err
    end
  end
  return nil, err
end

---Registers a view, or changes its registration; only a changed `start_at` moves its progress. The locks of a new view
---are filled in beside running appends, so that these never wait; inside a transaction the appends wait until it ends.
---@param registration fstore.ViewRegistration
---@return table? view the row of `views`, fstore.Error? err
function Store:register_view(registration)
  if self.connection:status() ~= "idle" then
    return self.connection:register_view(registration)
  end
  local view, err = self.connection:register_view(registration, false)
  if view and not view.is_filled then
    local filled
    filled, err = fill_view(self, view.view)
    view = filled and view
    if view then
      view.is_filled = true
    end
  end
  return view or nil, err
end

---Leases up to `limit` partitions and returns the next event of each, as the original contract does.
---@param view string
---@param options { limit: integer?, seconds: integer? }? partitions (default 1), time of the lease (default the view's)
---@return fstore.Event[]? events of different partitions, fstore.Error? err
function Store:stream_events(view, options)
  return self.connection:stream_events(view, options)
end

---Leases pending partitions and returns their next events, up to `limit` in all, each with `token` and `attempts`.
---@param view string
---@param options { limit: integer?, seconds: integer?, holder: integer? }? limit: events in all (default 100); seconds:
---of the lease; holder: server process with whose end the lease ends too, see `holder`
---@return fstore.Event[]? events, fstore.Error? err
function Store:lease_events(view, options)
  return self.connection:lease_events(view, options)
end

---The holder for leases that shall not outlive this connection.
---@return integer? pid of the server process; nil behind a pooler, where it serves others as well
function Store:holder()
  return self:is_pooled() == false and self.connection:backend_pid() or nil
end

---Records that a partition was handled up to an offset, and frees it. A late ack, or one past the head, does nothing.
---@param view string
---@param decider_id string UUID
---@param offset integer
---@param token integer? of the lease; with it, only the holder succeeds
---@return table? lock the row of `locks`, nil without err when nothing changed, fstore.Error? err
function Store:ack_event(view, decider_id, offset, token)
  return self.connection:ack_event(view, decider_id, offset, token)
end

---Frees a partition, so that its event is streamed again at once.
---@return table? lock, fstore.Error? err
function Store:nack_event(view, decider_id, token)
  return self.connection:nack_event(view, decider_id, token)
end

---Frees a partition after a delay in milliseconds.
---@return table? lock, fstore.Error? err
function Store:schedule_nack_event(view, decider_id, milliseconds, token)
  return self.connection:schedule_nack_event(view, decider_id, milliseconds, token)
end

---Acks many partitions in one round trip.
---@param view string
---@param acks { decider_id: string, offset: integer, token: integer }[]
---@return integer? accepted how many, fstore.Error? err
function Store:ack_events(view, acks)
  return self.connection:ack_events(view, acks)
end

---Nacks many partitions in one round trip.
---@param view string
---@param nacks { decider_id: string, token: integer, milliseconds: integer?, error: string? }[]
---@return integer? accepted how many, fstore.Error? err
function Store:nack_events(view, nacks)
  return self.connection:nack_events(view, nacks)
end

---Makes leases last longer, from now on, for a holder that is still at work.
---@param view string
---@param leases { decider_id: string, token: integer }[] one of each partition
---@param seconds integer? (default: the view's lock_timeout_s)
---@return table[]? locks the rows of `locks` that the caller still holds, fstore.Error? err
function Store:extend_leases(view, leases, seconds)
  return self:exec(([[
    SELECT * FROM %s.extend_leases($1, ARRAY(SELECT jsonb_array_elements_text($2)::uuid),
      ARRAY(SELECT jsonb_array_elements_text($3)::bigint), $4)]]):format(self:quoted_schema()),
    view, params.fields(leases, "decider_id"), params.fields(leases, "token"), seconds)
end

---Gives back leases whose events were not tried: they do not count as attempts.
---@param view string
---@param leases { decider_id: string, token: integer }[] one of each partition
---@return table[]? locks the rows of `locks` that changed, fstore.Error? err
function Store:return_leases(view, leases)
  return self:exec(([[
    SELECT * FROM %s.return_leases($1, ARRAY(SELECT jsonb_array_elements_text($2)::uuid),
      ARRAY(SELECT jsonb_array_elements_text($3)::bigint))]]):format(self:quoted_schema()),
    view, params.fields(leases, "decider_id"), params.fields(leases, "token"))
end

---Ends the leases whose holder is gone.
---@param view string
---@return table[]? locks the rows of `locks` that changed, fstore.Error? err
function Store:free_orphaned_leases(view)
  return self:exec(("SELECT * FROM %s.free_orphaned_leases($1)"):format(self:quoted_schema()), view)
end

---Marks this connection as waiting, so that appends notify it. Poll once between `arm` and `wait`.
---@return true? done, fstore.Error? err
function Store:arm()
  local ok, err = self.connection:exec(("SELECT FROM %s.arm_wake_up()"):format(self:quoted_schema()))
  return ok and true, err
end

---Waits for the next append, at most so long. Only an append after `arm` is sure to be noticed.
---@param milliseconds integer
---@return boolean? woken, string|fstore.Error? why "interrupted" by a signal, or the error
function Store:wait(milliseconds)
  return self.connection:wait(milliseconds)
end

---The socket to wait on together with others; what comes there is taken by `wait`.
---@return integer fd
function Store:socket()
  return self.connection:socket()
end

---Ends `arm`.
---@return true? done, fstore.Error? err
function Store:disarm()
  local ok, err = self.connection:exec(("SELECT FROM %s.disarm_wake_up()"):format(self:quoted_schema()))
  return ok and true, err
end

return Store
