--- The log in the order of its offsets, as it grows, without ever missing an event that commits late.
---
--- Offsets are handed out before transactions commit: one that is still open may hold a smaller offset than what is
--- there to read. So events are handed on up to a point only: where the log had come to at some time, once all
--- transactions that were in flight at that time have ended.

local uv = require "luv"

---@class fstore.host.Follower
---@field complete_to integer no event will come up to this offset that is not there now
---@field is_held_up boolean whether a transaction is open that may still commit an event ahead of others
---@field package moved_at integer when complete_to was found last
---@field package store fstore.Store
---@field package filter fstore.EventFilter
---@field package ahead_to integer where the log had come to when it was last looked at
---@field package waiting_for table<string, true> the transactions that were in flight then, and are still
---@field package pause integer
---@field package is_armed boolean?
local Follower = {}
Follower.__index = Follower

local follower = {}

local FIRST_PAUSE_MS <const> = 10
local LAST_PAUSE_MS <const> = 1000

---@param store fstore.Store
---@param filter fstore.EventFilter
---@return fstore.host.Follower
function follower.new(store, filter)
  return setmetatable({
    store = store, filter = filter, complete_to = 0, is_held_up = false, ahead_to = 0, waiting_for = {},
    pause = FIRST_PAUSE_MS, moved_at = uv.hrtime(),
  }, Follower)
end

local function check(result, err)
  if result == nil then
    error(err, 0)
  end
  return result
end

-- Looks whether the transactions waited for have ended, and if so, at those in flight now.
local function look_ahead(self)
  local horizon = check(self.store:log_horizon())
  local still, all = {}, {}
  for _, transaction in ipairs(horizon.in_flight) do
    all[transaction] = true
    still[transaction] = self.waiting_for[transaction]
  end
  self.waiting_for = still
  if not next(still) then
    self.complete_to = next(all) and self.ahead_to or horizon.offset
    self.ahead_to, self.moved_at = horizon.offset, uv.hrtime()
    self.waiting_for = self.ahead_to > self.complete_to and all or {}
  end
  self.is_held_up = next(self.waiting_for) ~= nil
end

local function set_armed(self, wanted)
  if wanted ~= (self.is_armed or false) then
    check(self.store[wanted and "arm" or "disarm"](self.store))
    self.is_armed = wanted
  end
end

---The next events, up to a limit.
---@param limit integer
---@return fstore.Event[] events none: there are no more for now
function Follower:page(limit)
  local filter = self.filter
  if filter.after >= self.complete_to then
    look_ahead(self)
  end
  if filter.after >= self.complete_to then
    return {}
  end
  filter.limit = limit
  local page = check(self.store:read_events(filter))
  local is_full = #page == limit
  while #page > 0 and page[#page].offset > self.complete_to do
    page[#page], is_full = nil, false
  end
  filter.after = is_full and page[limit].offset or self.complete_to
  self.pause = FIRST_PAUSE_MS
  return page
end

---For how long events have been held up by a transaction that is still open.
---@return number seconds 0: they are not
function Follower:held_up_for()
  return self.is_held_up and (uv.hrtime() - self.moved_at) / 1e9 or 0
end

---Waits until there may be more, at most a second.
function Follower:wait()
  if self.is_held_up then
    -- The end of a transaction does not wake anybody; others that append meanwhile shall not.
    set_armed(self, false)
    check(self.store:wait(self.pause))
    self.pause = math.min(self.pause * 2, LAST_PAUSE_MS)
  elseif self.is_armed then
    check(self.store:wait(LAST_PAUSE_MS))
  else
    set_armed(self, true) -- and look once more before waiting
  end
end

return follower
