--- The projector: leases what is pending, runs the view on it, and commits its writes together with its progress.
local check = require "fstore.check"
local documents = require "fstore.application.documents"
local errors = require "fstore.errors"

---@class fstore.ProjectorOptions
---@field limit integer? events leased at a time (default 500)
---@field random (fun(): number)? in [0, 1), spreads retries (default math.random)

---@class fstore.Failure an event that the view could not handle; its partition is tried again later
---@field event fstore.Event
---@field error fstore.Error
---@field retry_in integer milliseconds

---@class fstore.Step
---@field handled integer events whose effects are committed
---@field failures fstore.Failure[]

---@class fstore.Projector
---@field view fstore.View
---@field package store fstore.Store
local Projector = {}
Projector.__index = Projector
Projector.__name = "fstore.projector"

local projector = {}

local FIRST_RETRY_MS <const> = 1000
local LAST_RETRY_MS <const> = 300000

---@param store fstore.Store
---@param view fstore.View
---@param options fstore.ProjectorOptions?
---@return fstore.Projector
function projector.new(store, view, options)
  options = check.options("fstore.projector", options, { limit = "integer|nil", random = "function|nil" })
  return setmetatable({
    store = store, view = view, limit = options.limit or 500, random = options.random or math.random,
  }, Projector)
end

---Registers the view and runs its setup. Safe to repeat, and for several hosts at once.
---@return true? done, fstore.Error? err
function Projector:prepare()
  local view = self.view
  local setup = { view.setup, view.table and documents.setup(view) }
  local done, err = self.store:transaction(function(tx)
    -- CREATE TABLE IF NOT EXISTS fails when two sessions run it at the same moment.
    assert(tx:exec("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "fstore.setup." .. view.name))
    assert(tx:exec("SET LOCAL client_min_messages = warning"))
    for _, sql in pairs(setup) do
      assert(tx:exec(sql))
    end
  end)
  if not done then
    err.message = ("view %s: setup: %s"):format(view.name, err.message)
    return nil, err
  end
  done, err = self.store:register_view { view = view.name, start_at = view.start_at, lock_timeout_s = view.lock_timeout_s }
  return done and true, err
end

local function run_handlers(view, db, events, at)
  for index, event in ipairs(events) do
    local handler = view.on[event.event]
    if handler then
      at(index)
      handler(event, db)
      local failure = db:failure()
      if failure then
        error(failure, 0)
      end
    end
  end
end

local function acks_of(events)
  local acks, place = {}, {}
  for _, event in ipairs(events) do
    local id = event.decider_id
    if not place[id] then
      acks[#acks + 1] = { decider_id = id, token = event.token }
      place[id] = acks[#acks]
    end
    place[id].offset = event.offset
  end
  return acks
end

-- Handles the events and acks them, all in one transaction. On failure: the error, and the index of the event at fault.
local function apply(self, events)
  local index
  local function at(place)
    index = place
  end
  local ok, done, err = xpcall(self.store.transaction, errors.from_script, self.store, function(db)
    (self.view.on and run_handlers or documents.apply)(self.view, db, events, at)
    index = nil
    local acks = acks_of(events)
    local accepted, failure = self.store:ack_events(self.view.name, acks)
    if not accepted then
      return nil, failure
    elseif accepted < #acks then
      return nil, errors.new("lost_lease", ("view %s: a lease expired and was taken by another"):format(self.view.name))
    end
    return true
  end)
  if ok and done then
    return true
  end
  return nil, ok and err or done, index
end

local function retry_delay(self, attempts)
  local delay = math.min(FIRST_RETRY_MS * 2 ^ (attempts - 1), LAST_RETRY_MS)
  return math.floor(delay * (0.75 + self.random() / 2))
end

-- One partition by itself: what comes before the event at fault is kept, the rest is put off.
local function apply_partition(self, events, step)
  local done, err, index = apply(self, events)
  if not done and index and index > 1 then
    done = apply(self, table.move(events, 1, index - 1, 1, {}))
    step.handled = step.handled + (done and index - 1 or 0)
  elseif done then
    step.handled = step.handled + #events
    return true
  end
  if err.kind == "connection" then
    return nil, err
  elseif err.kind == "lost_lease" then
    return true
  end
  local event = events[index or 1]
  local retry_in = retry_delay(self, event.attempts)
  step.failures[#step.failures + 1] = { event = event, error = err, retry_in = retry_in }
  local nacked
  nacked, err = self.store:nack_events(self.view.name, {
    { decider_id = event.decider_id, token = event.token, milliseconds = retry_in, error = tostring(err) },
  })
  return nacked and true, err
end

local function by_partition(events)
  local partitions, place = {}, {}
  for _, event in ipairs(events) do
    local id = event.decider_id
    if not place[id] then
      place[id] = {}
      partitions[#partitions + 1] = place[id]
    end
    table.insert(place[id], event)
  end
  return partitions
end

---Leases one batch and handles it. When it fails as a whole, each partition is handled by itself, so that an event that
---cannot be handled holds up its own partition only.
---@return fstore.Step? step handled is 0 without failures when nothing was pending, fstore.Error? err
function Projector:step()
  local events, err = self.store:lease_events(self.view.name, { limit = self.limit })
  if not events then
    return nil, err
  end
  local step = { handled = 0, failures = {} }
  if #events == 0 then
    return step
  end
  local done
  done, err = apply(self, events)
  if done then
    step.handled = #events
    return step
  elseif err.kind == "connection" then
    return nil, err
  end
  for _, partition in ipairs(by_partition(events)) do
    done, err = apply_partition(self, partition, step)
    if not done then
      return nil, err
    end
  end
  return step
end

return projector
