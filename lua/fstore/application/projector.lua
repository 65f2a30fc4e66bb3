--- The projector: leases what is pending, runs the view on it, and commits its writes together with its progress.
local backoff = require "fstore.backoff"
local check = require "fstore.check"
local documents = require "fstore.application.documents"
local durations = require "fstore.application.durations"
local errors = require "fstore.errors"
local leases = require "fstore.application.leases"
local partitions = require "fstore.application.partitions"
local saga = require "fstore.model.saga"
local saga_manager = require "fstore.application.saga_manager"
local uv = require "luv"

---@class fstore.ProjectorOptions
---@field limit integer? events leased at a time (default 500)
---@field random (fun(): number)? in [0, 1), spreads retries (default math.random)
---@field clock (fun(): number)? seconds, never set back
---@field should_stop (fun(): boolean)? asked between events; true ends the step, what is handled is kept
---@field on_handled (fun(event: fstore.Event, milliseconds: number))? told of each event whose effects are committed;
---milliseconds in its handler, which does not wait for all that it writes
---@field ends_hanging boolean? a statement or a script that goes on when its lease ends is ended, see Store:within

---@class fstore.Failure an event that the view could not handle; its partition is tried again later
---@field event fstore.Event
---@field error fstore.Error
---@field attempts integer
---@field retry_in integer? milliseconds; nil: the partition is parked

---@class fstore.Step
---@field handled integer events whose effects are committed
---@field failures fstore.Failure[]
---@field refusals fstore.Refusal[] of a saga's commands

---@class fstore.Projector
---@field view fstore.View|fstore.Saga
---@field package store fstore.Store
---@field package saga_manager fstore.SagaManager? when the view is a saga
---@field package leases fstore.Leases
---@field package is_alone boolean one partition is leased at a time: there are more that an earlier attempt ended with
local Projector = {}
Projector.__index = Projector
Projector.__name = "fstore.projector"

local projector = {}

local FIRST_RETRY_MS <const> = 1000
local LAST_RETRY_MS <const> = 300000
local MAX_ATTEMPTS <const> = 10
-- Events that a saga reacts to before its progress is stored.
local REACTIONS_AT_ONCE <const> = 100
-- Seconds between two questions whether to stop.
local ASK_EVERY_S <const> = 0.05

-- A view's own tables live with the store that it reads, unless its SQL says otherwise.
local IN_SCHEMA <const> = { in_schema = true }
local SENDING_AHEAD <const> = { in_schema = true, sends_ahead = true }

local function seconds()
  return uv.hrtime() / 1e9
end

local function never()
  return false
end

---@param store fstore.Store
---@param view fstore.View|fstore.Saga
---@param options fstore.ProjectorOptions?
---@return fstore.Projector
function projector.new(store, view, options)
  options = check.options("fstore.projector", options, {
    limit = "integer|nil", random = "function|nil", clock = "function|nil", should_stop = "function|nil",
    ends_hanging = "boolean|nil", on_handled = "function|nil",
  })
  local clock = options.clock or seconds
  return setmetatable({
    store = store, view = view, limit = options.limit or 500, random = options.random or math.random,
    clock = clock, should_stop = options.should_stop or never, ends_hanging = options.ends_hanging,
    on_handled = options.on_handled, max_attempts = view.max_attempts or MAX_ATTEMPTS, ask_at = 0, is_alone = false,
    leases = leases.new(store, view.name, view.lock_timeout_s, clock),
    saga_manager = saga.is(view) and saga_manager.new(store, view) or nil,
  }, Projector)
end

---Registers the view and runs its setup. Safe to repeat, and for several hosts at once.
---@return true? done, fstore.Error? err
function Projector:prepare()
  local view = self.view
  local done, err
  if self.saga_manager then
    done, err = self.store:register_decider(self.saga_manager:decider())
    if not done then
      return nil, err
    end
  end
  local setup = { view.setup, view.table and documents.setup(view) }
  done, err = self.store:transaction(function(tx)
    -- CREATE TABLE IF NOT EXISTS fails when two sessions run it at the same moment.
    assert(tx:exec("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "fstore.setup." .. view.name))
    assert(tx:exec("SET LOCAL client_min_messages = warning"))
    for _, sql in pairs(setup) do
      assert(tx:exec(sql))
    end
  end, IN_SCHEMA)
  if not done then
    err.message = ("view %s: setup: %s"):format(view.name, err.message)
    return nil, err
  end
  local row
  row, err = self.store:register_view {
    view = view.name, start_at = view.start_at, lock_timeout_s = view.lock_timeout_s, max_attempts = view.max_attempts,
  }
  if not row then
    return nil, err
  end
  self.leases.seconds, self.max_attempts = row.lock_timeout_s, row.max_attempts or MAX_ATTEMPTS
  self.leases:look_for_orphans()
  return true
end

-- Whether the batch in hand shall end here, with what was handled so far.
local function ends_here(self)
  local now = self.clock()
  if now < self.ask_at then
    return false
  end
  self.ask_at = now + ASK_EVERY_S
  return self.leases:are_old() or self.should_stop()
end

-- ---- Handling, as a whole

local function run_handlers(view, db, events, at, sends_ahead)
  for index, event in ipairs(events) do
    local handler = view.on[event.event]
    if handler then
      if at(index) then
        return index - 1
      end
      handler(event, db)
      -- Of writes that are sent ahead it would say nothing: the failure of a batch is looked for at its end.
      local failure = not sends_ahead and db:failure()
      if failure then
        error(failure, 0)
      end
    end
  end
  return #events
end

local function ack(self, events, count)
  local acks = partitions.last(events, count)
  local accepted, err = self.store:ack_events(self.view.name, acks)
  if not accepted then
    return nil, err
  elseif accepted < #acks then
    return nil, errors.new("lost_lease", ("view %s: a lease expired and was taken by another"):format(self.view.name))
  end
  return true
end

-- Handles the events and acks them, all in one transaction.
local function project(self, events, at, _, sends_ahead)
  local count
  local done, err = self.store:transaction(function(db)
    count = (self.view.on and run_handlers or documents.apply)(self.view, db, events, at, sends_ahead)
    at(nil)
    return ack(self, events, count)
  end, sends_ahead and SENDING_AHEAD or IN_SCHEMA)
  if not done and err.is_late then
    at(nil)
  end
  return done and count, err
end

-- The commands that follow are handled first, each in a transaction of its own handler: repeated, they do nothing.
local function react(self, events, at, step)
  local count = math.min(#events, REACTIONS_AT_ONCE)
  local refusals = self.saga_manager:handle(table.move(events, 1, count, 1, {}), at)
  at(nil)
  local done, err = ack(self, events, count)
  table.move(refusals, 1, done and #refusals or 0, #step.refusals + 1, step.refusals)
  return done and count, err
end

local function too_long(self, err)
  local text = ("ended after the %g s that a lease of view %s lasts"):format(self.leases.seconds, self.view.name)
  return errors.new("timeout", text, { detail = tostring(err), traceback = err.traceback })
end

-- Whether the connection is gone; a handler may have used and lost one of its own.
local function is_lost(self, err)
  return err.kind == "connection" and not (self.store:is_connected() and (err.sqlstate or ""):find("^08"))
end

local function call(self, body, ...)
  if not self.ends_hanging then
    return xpcall(body, errors.from_script, ...)
  end
  return self.store:within(self.leases:left(), body, errors.from_script, ...)
end

-- Handles events from the first on and acks them; how many. On failure: the error, and the index of the event at fault.
local function apply(self, events, step, sends_ahead)
  local index
  local times = self.on_handled and durations.new(self.clock)
  local function at(place)
    index = place
    if times then
      times:mark(place)
    end
    return place and place > 1 and ends_here(self)
  end
  local ok, count, err = call(self, self.saga_manager and react or project, self, events, at, step, sends_ahead)
  if ok and count then
    if times then
      times:tell(events, self.on_handled)
    end
    return count
  end
  err = ok and err or count
  if is_lost(self, err) then
    return nil, err
  end
  self.store:rollback()
  return nil, self.ends_hanging and self.leases:are_over() and too_long(self, err) or err, index
end

-- Handles events to the last, in as many transactions as their leases ask for. On failure: the error, and the events
-- left with the index of the one at fault among them, which is not known of a write that was sent ahead.
local function handle(self, events, step, sends_ahead)
  while #events > 0 do
    local held, count, err, index
    held, err = self.leases:renew(events)
    if held == nil then
      return nil, err, events
    elseif not held or self.should_stop() then
      return self.leases:give_back(events)
    end
    count, err, index = apply(self, events, step, sends_ahead)
    if not count then
      return nil, err, events, index
    end
    step.handled = step.handled + count
    events = table.move(events, count + 1, #events, 1, {})
  end
  return true
end

-- ---- Failures

local function record(event, attempts, err)
  local text = ("%s at offset %d (event_id %s), attempt %d: %s%s"):format(event.event, event.offset, event.event_id,
    attempts, tostring(err), err.traceback and "\n" .. err.traceback:match("^%s*(.*)$") or "")
  return { decider_id = event.decider_id, token = event.token, error = errors.printable(text) }
end

-- Puts the partition of an event off, or parks it after the last attempt.
local function put_off(self, event, attempts, err, step)
  local entry, failure = record(event, attempts, err), { event = event, error = err, attempts = attempts }
  local done, problem
  if attempts >= self.max_attempts then
    done, problem = self.store:park_events(self.view.name, { entry })
  else
    failure.retry_in = backoff.wait(attempts, FIRST_RETRY_MS, LAST_RETRY_MS, self.random)
    entry.milliseconds = failure.retry_in
    done, problem = self.store:nack_events(self.view.name, { entry })
  end
  step.failures[#step.failures + 1] = failure
  return done and true, problem
end

-- One partition by itself: what comes before the event at fault is kept, the rest is put off. With an error, it is
-- known to fail so at `index`.
local function handle_partition(self, events, step, err, index)
  local done, rest, handled = nil, events, step.handled
  if not err then
    done, err, rest, index = handle(self, events, step)
  end
  if done or is_lost(self, err) then
    return done, err
  elseif err.kind == "lost_lease" then
    return true
  end
  index = index or 1
  if index > 1 then
    local kept, failure = handle(self, table.move(rest, 1, index - 1, 1, {}), step)
    if failure and is_lost(self, failure) then
      return kept, failure
    elseif self.should_stop() then
      return self.leases:give_back(rest)
    end
  end
  local event = rest[index]
  return put_off(self, event, step.handled > handled and 1 or event.attempts, err, step)
end

-- Each partition by itself, after they failed together. Each write is waited for, so that its failure names its event.
local function handle_apart(self, events, step, err, index)
  local hanging = err.kind == "timeout" and index and events[index]
  for _, partition in ipairs(partitions.split(events)) do
    local place = hanging and partitions.place(partition, hanging)
    local done, failure = handle_partition(self, partition, step, place and err, place)
    if not done then
      return nil, failure
    end
  end
  return true
end

-- ---- Partitions that were tried before

local function park(self, lists, step)
  local entries = {}
  for index, events in ipairs(lists) do
    local event, attempts = events[1], events[1].attempts - 1
    local err = errors.new("unanswered", "its consumer was lost, or its lease ran out, before it answered")
    entries[index] = record(event, attempts, err)
    step.failures[#step.failures + 1] = { event = event, error = err, attempts = attempts }
  end
  return self.store:park_events(self.view.name, entries)
end

-- What was tried before may be what ended its consumer: it is handled by itself, all else is given back untried. After
-- too many attempts it is parked.
local function set_suspects_apart(self, events, step)
  local fresh, suspects, hopeless = {}, {}, {}
  -- The first attempt may have ended with another partition's event; the second was made by itself.
  local limit = math.max(self.max_attempts, 2)
  for _, partition in ipairs(partitions.split(events)) do
    local attempts = partition[1].attempts
    local list = attempts > limit and hopeless or attempts > 1 and suspects or fresh
    list[#list + 1] = partition
  end
  local done, err = true, nil
  if #hopeless > 0 then
    done, err = park(self, hopeless, step)
  end
  if done and #suspects > 0 then
    local others = partitions.join(fresh, { table.unpack(suspects, 2) })
    self.is_alone = #suspects > 1
    done, err = self.leases:give_back(others)
  end
  return done and (suspects[1] or partitions.join(fresh)), err
end

---How long a lease of the view lasts, once it is prepared.
---@return integer seconds
function Projector:lease_seconds()
  return self.leases.seconds
end

---Leases one batch and handles it. When it fails as a whole, each partition is handled by itself, so that an event that
---cannot be handled holds up its own partition only.
---@return fstore.Step? step handled is 0 without failures when nothing was pending, fstore.Error? err
---@return boolean found whether anything was pending
function Projector:step()
  local step = { handled = 0, failures = {}, refusals = {} }
  local events, err = self.leases:take(self.is_alone and 1 or self.limit)
  local found = events ~= nil and #events > 0
  if found and partitions.most_attempts(events) > 1 then
    events, err = set_suspects_apart(self, events, step)
  else
    self.is_alone = false
  end
  if not events then
    return nil, err, found
  end
  local done, rest, index
  -- Behind a pooler the server of the next transaction may lack our prepared statements.
  done, err, rest, index = handle(self, events, step, self.store:is_pooled() == false)
  if not done and rest and not is_lost(self, err) then
    done, err = handle_apart(self, rest, step, err, index)
  end
  return done and step, err, found
end

return projector
