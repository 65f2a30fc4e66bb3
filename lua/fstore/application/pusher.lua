--- The pusher: leases one event of each pending partition, POSTs it to the edge function of its view, and acks it or
--- puts it off as the answer says. A partition has one request at a time, so that its events arrive in order.
local backoff = require "fstore.backoff"
local check = require "fstore.check"
local core = require "fstore.core"
local push_answer = require "fstore.application.push_answer"
local pushed_view = require "fstore.application.pushed_view"

---@class fstore.PusherOptions
---@field http fstore.HttpClient
---@field now fun(): number milliseconds of a clock that is never set back
---@field report fun(delivery: fstore.Delivery) told of each outcome
---@field sign fstore.WebhookSigner?
---@field views string[]? only these (default: all that have an edge_function_url)
---@field concurrency integer? requests at a time to each view (default 16)
---@field timeout_ms integer? of a request (default 30000)
---@field random (fun(): number)? in [0, 1), spreads retries (default math.random)
---@field time (fun(): integer)? seconds since 1970 (default os.time)

---@class fstore.Delivery
---@field view string
---@field outcome "delivered"|"left"|"later"|"failed"|"parked"|"late"|"placed"|"misplaced" left: to the receiver, who
---  acks; later: when it says; late: acked when the lease was lost; the last two: of a URL that is new
---@field event { event: string, decider_id: string, offset: integer, attempts: integer }? what was pushed
---@field receiver string? of a view that is placed
---@field milliseconds number? the request took
---@field error string?
---@field retry_in integer? milliseconds

---@class fstore.PushFlight
---@field view fstore.PushedView
---@field receiver fstore.PushReceiver
---@field event table
---@field started number

---@class fstore.Pusher
---@field package views table<string, fstore.PushedView>
---@field package flights table<integer, fstore.PushFlight> by the number of the request
---@field package unsettled table<fstore.PushedView, true> those with something to be sent
local Pusher = {}
Pusher.__index = Pusher
Pusher.__name = "fstore.pusher"

local pusher = {}

local RELOAD_MS <const> = 1000
local FIRST_RETRY_MS <const> = 1000
local LAST_RETRY_MS <const> = 300000
local LEAST_TIMEOUT_MS <const> = 1000

local VIEWS <const> = [[
  SELECT view, edge_function_url AS url, lock_timeout_s, coalesce(pooling_delay_s, 1) AS delay_s, max_attempts
  FROM %s.views WHERE edge_function_url IS NOT NULL]]

-- The body is made by the database, so that the data in it stays what it is.
local LEASE <const> = [[
  SELECT l.event, l.event_id, l.decider_id, l."offset", l.token, l.attempts, row_to_json(message)::text AS body
  FROM %s.lease_events($1, $2, NULL, 1) AS l
  CROSS JOIN LATERAL (
    SELECT $1::text AS view, l.decider, l.decider_id, l."offset", l.event, l.event_id, l.event_version, l.command_id,
      l.previous_id, l.final, to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
      l.data
  ) AS message]]

---@param store fstore.Store
---@param options fstore.PusherOptions
---@return fstore.Pusher
function pusher.new(store, options)
  options = check.options("fstore.pusher", options, {
    http = "userdata", now = "function", report = "function", sign = "function|nil", views = "table|nil",
    concurrency = "integer|nil", timeout_ms = "integer|nil", random = "function|nil", time = "function|nil",
  })
  local wanted
  for _, name in ipairs(options.views or {}) do
    wanted = wanted or {}
    wanted[name] = true
  end
  return setmetatable({
    store = store, http = options.http, now = options.now, report = options.report, sign = options.sign,
    wanted = wanted, concurrency = options.concurrency or 16, timeout_ms = options.timeout_ms or 30000,
    random = options.random or math.random, time = options.time or os.time,
    views = {}, flights = {}, unsettled = {}, reload_at = 0, is_armed = false,
  }, Pusher)
end

---Goes on with another connection, after the last one was lost. What is in flight stays so.
---@param store fstore.Store
function Pusher:use(store)
  self.store, self.is_armed, self.reload_at = store, false, 0
end

-- ---- The views, as they are registered now

local function update_view(self, row)
  local view = self.views[row.view] or pushed_view.new(row.view)
  if view:update(row, self.now()) then
    self.report {
      view = view.name, outcome = view.receiver and "placed" or "misplaced",
      receiver = view.receiver and view.receiver.origin, error = view.problem,
    }
  end
  return view
end

local function reload(self)
  if self.now() < self.reload_at then
    return true
  end
  local rows, err = self.store:exec(VIEWS:format(self.store:quoted_schema()))
  if not rows then
    return nil, err
  end
  local views = {}
  for _, row in ipairs(rows) do
    if not self.wanted or self.wanted[row.view] then
      views[row.view] = update_view(self, row)
    end
  end
  self.views, self.reload_at = views, self.now() + RELOAD_MS
  return true
end

-- ---- Out: events

local function headers_of(self, view, event)
  local id, time = core.uuid.v5(event.event_id, view.name), self.time()
  return {
    "Content-Type: application/json", "User-Agent: fstore-lua/" .. core.version, "Expect:",
    "webhook-id: " .. id, "webhook-timestamp: " .. time,
    self.sign and "webhook-signature: " .. self.sign(id, time, event.body),
  }
end

-- The request ends before the lease does: another consumer may have the event then.
local function post(self, view, event, leased_at)
  local now = self.now()
  local timeout = math.max(math.min(self.timeout_ms, view.lease_ms - (now - leased_at)), LEAST_TIMEOUT_MS)
  local id = self.http:post(view.url, headers_of(self, view, event), event.body, math.floor(timeout))
  event.body = nil -- libcurl has its own copy
  self.flights[id] = { view = view, receiver = view.receiver, event = event, started = now }
  view.in_flight = view.in_flight + 1
end

local function lease(self, view)
  local now = self.now()
  local events, err = self.store:exec(LEASE:format(self.store:quoted_schema()), view.name, view:room(self.concurrency))
  if not events then
    return nil, err
  elseif #events == 0 then
    view:look_later(now)
  end
  for _, event in ipairs(events) do
    post(self, view, event, now)
  end
  return #events
end

-- Leases what the views that are due have room for; how many events in all.
local function lease_due(self)
  local count = 0
  for _, view in pairs(self.views) do
    if view:room(self.concurrency) > 0 and view:due_at() <= self.now() then
      local leased, err = lease(self, view)
      if not leased then
        return nil, err
      end
      count = count + leased
    end
  end
  return count
end

local function look_now(self)
  for _, view in pairs(self.views) do
    view:look_now()
  end
end

-- ---- Back: answers

local function put_off(self, view, event, verdict)
  local retry_in = verdict.retry_in or backoff.wait(event.attempts, FIRST_RETRY_MS, LAST_RETRY_MS, self.random)
  view:watch_until(self.now() + retry_in)
  if verdict.is_throttled then
    view:pause_until(self.now() + retry_in)
  end
  view.nacks[#view.nacks + 1] = {
    decider_id = event.decider_id, token = event.token, milliseconds = retry_in,
    error = verdict.outcome == "failed" and verdict.error or nil,
  }
  return retry_in
end

-- The last failure that the view allows sets the partition aside.
local function park(view, event, verdict)
  verdict.outcome = "parked"
  view.parks[#view.parks + 1] = { decider_id = event.decider_id, token = event.token, error = verdict.error }
end

local function land(self, flight, answer)
  local view, event = flight.view, flight.event
  local verdict = push_answer.judge(answer, flight.receiver)
  local retry_in
  view.in_flight = view.in_flight - 1
  view:look_now()
  self.unsettled[view] = true
  if verdict.outcome == "delivered" then
    view.acks[#view.acks + 1] = { decider_id = event.decider_id, offset = event.offset, token = event.token }
  elseif verdict.outcome == "left" then
    view:watch_until(self.now() + view.lease_ms)
  elseif verdict.outcome == "failed" and view.max_attempts and event.attempts >= view.max_attempts then
    park(view, event, verdict)
  else
    retry_in = put_off(self, view, event, verdict)
  end
  self.report {
    view = view.name, outcome = verdict.outcome, event = event, error = verdict.error, retry_in = retry_in,
    milliseconds = self.now() - flight.started,
  }
end

local function collect(self)
  for id, answer in self.http.take, self.http do
    local flight = self.flights[id]
    self.flights[id] = nil
    land(self, flight, answer)
  end
end

-- Sends one list of a view's; it stays when that fails.
local function send(self, view, list, method)
  local items = view[list]
  if #items == 0 then
    return true
  end
  local accepted, err = self.store[method](self.store, view.name, items)
  view[list] = accepted and {} or items
  return accepted, err
end

local function settle_view(self, view)
  local count = #view.acks
  local done, err = send(self, view, "acks", "ack_events")
  for _ = math.type(done) and done or count, count - 1 do
    self.report { view = view.name, outcome = "late" }
  end
  if done then
    done, err = send(self, view, "nacks", "nack_events")
  end
  if done then
    done, err = send(self, view, "parks", "park_events")
  end
  return done and true, err
end

-- Tells the database what the answers said. What cannot be told now is told later: the tokens of the leases stay good.
local function settle(self)
  for view in pairs(self.unsettled) do
    local done, err = settle_view(self, view)
    if not done then
      return nil, err
    end
    self.unsettled[view] = nil
  end
  return true
end

-- ---- One round after another

local function set_armed(self, is_armed)
  local done, err = true, nil
  if self.is_armed ~= is_armed then
    done, err = self.store[is_armed and "arm" or "disarm"](self.store)
    self.is_armed = is_armed
  end
  return done, err
end

local function has_room(self)
  for _, view in pairs(self.views) do
    if view:room(self.concurrency) > 0 then
      return true
    end
  end
  return false
end

---Acks and puts off what was answered, and pushes what there is room for. Never waits for a receiver.
---@return true? done, fstore.Error? err nothing is lost: go on after `use`
function Pusher:step()
  local done, err = settle(self)
  if done then
    done, err = reload(self)
  end
  local count = 0
  if done then
    count, err = lease_due(self)
  end
  if not count or not done then
    return nil, err
  elseif count > 0 then
    return set_armed(self, false) -- while there is much to push, appends stay free of notifications
  elseif not self.is_armed and has_room(self) and not self.store:is_pooled() then
    look_now(self) -- behind a pooler wake-ups do not arrive: the views are looked at every pooling_delay_s only
    return set_armed(self, true)
  end
  return true
end

local function time_to_next(self)
  local at = self.reload_at
  for _, view in pairs(self.views) do
    if view:room(self.concurrency) > 0 then
      at = math.min(at, view:due_at())
    end
  end
  return math.max(at - self.now(), 0)
end

---Waits until `step` has something to do.
---@param socket integer one that ends the wait when it can be read
---@return true? done, fstore.Error? err
function Pusher:wait(socket)
  if not self.is_armed then
    self.http:wait(time_to_next(self), socket)
    collect(self)
    return true
  end
  local woken, err = self.store:wait(0)
  if woken == nil then
    return nil, err
  elseif woken then
    look_now(self)
  else
    self.http:wait(time_to_next(self), socket, self.store:socket())
    collect(self)
  end
  return true
end

---Waits without the database, for an answer at most.
---@param milliseconds number
---@param socket integer one that ends the wait when it can be read
function Pusher:rest(milliseconds, socket)
  self.http:wait(milliseconds, socket)
  collect(self)
end

---Ends: gives what is in flight so long, acks what was answered, and gives all other leases back.
---@param milliseconds number
---@return true? done, fstore.Error? err the leases that could not be given back run out by themselves
function Pusher:finish(milliseconds)
  local ends = self.now() + milliseconds
  while next(self.flights) and self.now() < ends do
    self.http:wait(math.max(ends - self.now(), 0))
    collect(self)
    settle(self) -- a failure comes again below
  end
  self.http:close()
  for id, flight in pairs(self.flights) do
    local nacks = flight.view.nacks
    nacks[#nacks + 1] = { decider_id = flight.event.decider_id, token = flight.event.token }
    self.unsettled[flight.view], self.flights[id] = true, nil
  end
  return settle(self)
end

return pusher
