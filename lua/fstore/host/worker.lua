--- The worker: runs views in this process, one batch of each in turn, and waits for more, or for the database.
local backoff = require "fstore.backoff"
local projector = require "fstore.application.projector"
local reconnect = require "fstore.host.reconnect"
local signals = require "fstore.host.signals"
local uv = require "luv"

---@class fstore.host.WorkerListener
---@field stepped fun(view: fstore.View|fstore.Saga, step: fstore.Step)
---@field failed fun(view: fstore.View|fstore.Saga, err: fstore.Error, retry_in: integer) the view cannot go on for now
---@field handled (fun(view: fstore.View|fstore.Saga, event: fstore.Event, milliseconds: number))?
---@field waiting fun(err: fstore.Error) for the database
---@field back fun() the database
---@field pooled fun() wake-ups do not reach us

---@class fstore.host.Worker
---@field package store fstore.Store
---@field package views { projector: fstore.Projector, failures: integer, rests_until: number }[]
---@field package listener fstore.host.WorkerListener
local Worker = {}
Worker.__index = Worker

local worker = {}

-- Expired leases and scheduled retries come without a notification: look for them now and then.
local POLL_MS <const> = 1000
local LEAST_POLL_MS <const> = 10
-- Behind a pooler nothing else tells of an append.
local POOLED_POLL_MS <const> = 250
local FIRST_REST_MS <const> = 1000
local LAST_REST_MS <const> = 60000

local function now_ms()
  return uv.hrtime() / 1e6
end

---@param store fstore.Store
---@param views (fstore.View|fstore.Saga)[]
---@param listener fstore.host.WorkerListener
---@return fstore.host.Worker
function worker.new(store, views, listener)
  local self = setmetatable({ store = store, views = {}, listener = listener }, Worker)
  for index, view in ipairs(views) do
    local handled = listener.handled and function(...) listener.handled(view, ...) end
    self.views[index] = {
      projector = projector.new(store, view, {
        should_stop = signals.stop_asked, ends_hanging = true, on_handled = handled,
      }),
      failures = 0, rests_until = 0,
    }
  end
  return self
end

-- A server that loses us in the middle of a statement, or a transaction, shall notice and let go of what we hold. Not
-- every system can check connections: then the server goes without.
local SESSION <const> = "SET idle_in_transaction_session_timeout = '%d s'; SET client_connection_check_interval = '1 s'"

local function set_session(self)
  local is_pooled, err = self.store:is_pooled()
  if is_pooled == nil then
    return nil, err
  elseif is_pooled then
    return true
  end
  local longest = 0
  for _, view in ipairs(self.views) do
    longest = math.max(longest, view.projector:lease_seconds())
  end
  local done
  done, err = self.store:exec(SESSION:format(math.min(longest + 60, 1000000)))
  return (done or self.store:is_connected()) and true, err
end

---Prepares the connection and registers the views; to be called again after a reconnection.
---@return true? done, fstore.Error? err
function Worker:prepare()
  for _, view in ipairs(self.views) do
    local done, err = view.projector:prepare()
    if not done then
      return nil, err
    end
  end
  return set_session(self)
end

-- The view cannot go on for now; the others do.
local function let_rest(self, view, err)
  view.failures = view.failures + 1
  local rest = backoff.wait(view.failures, FIRST_REST_MS, LAST_REST_MS)
  view.rests_until = now_ms() + rest
  self.listener.failed(view.projector.view, err, rest)
end

-- One batch of every view; whether any of them found something.
local function round(self)
  local found_any = false
  for _, view in ipairs(self.views) do
    if not signals.stop_asked() and now_ms() >= view.rests_until then
      local step, err, found = view.projector:step()
      if not step and err.kind == "connection" then
        return nil, err
      elseif not step then
        let_rest(self, view, err)
      else
        view.failures, found_any = 0, found_any or found
        self.listener.stepped(view.projector.view, step)
      end
    end
  end
  return found_any
end

---Runs until nothing is pending.
---@return true? done, fstore.Error? err
function Worker:run_once()
  while not signals.stop_asked() do
    for _, view in ipairs(self.views) do
      view.rests_until = 0
    end
    local found, err = round(self)
    if found == nil then
      return nil, err
    elseif not found then
      break
    end
  end
  return true
end

local function set_armed(self, is_armed)
  local done, err = true, nil
  if self.is_armed ~= is_armed then
    done, err = self.store[is_armed and "arm" or "disarm"](self.store)
    self.is_armed = is_armed
  end
  return done, err
end

-- Waits for an append, or for less and less often a look without one: a transaction that appended just before we were
-- armed, and commits now, notifies nobody. A busy consumer needs no waking: then appends stay free of notifications.
local function rest(self, found)
  local is_pooled = self.store:is_pooled()
  self.poll_ms = found and LEAST_POLL_MS or math.min(self.poll_ms * 2, is_pooled and POOLED_POLL_MS or POLL_MS)
  if found then
    return is_pooled or set_armed(self, false)
  elseif not is_pooled and not self.is_armed then
    return set_armed(self, true) -- and looks once more before it waits
  end
  return self.store:wait(self.poll_ms)
end

local function recover(self, err)
  self.is_armed = false
  self.listener.waiting(err)
  local back, failure = reconnect.wait(function()
    local done, why = self.store:reconnect()
    if done then
      done, why = self:prepare()
    end
    return done, why
  end)
  if back then
    self.listener.back()
  end
  return back, failure
end

---Runs until the program is asked to stop; waits out the loss of the database.
---@return true? done, fstore.Error? err
function Worker:run_on()
  self.is_armed, self.poll_ms = false, LEAST_POLL_MS
  if self.store:is_pooled() then
    self.listener.pooled()
  end
  while not signals.stop_asked() do
    local found, err = round(self)
    local done
    if found ~= nil then
      done, err = rest(self, found)
    end
    if done == nil then
      done, err = recover(self, err)
      if done == nil then
        return nil, err
      end
    end
  end
  return true
end

return worker
