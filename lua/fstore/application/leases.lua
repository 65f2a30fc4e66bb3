--- The leases of one consumer of a view: taken batch by batch, renewed while it works, given back when it stops.
local partitions = require "fstore.application.partitions"

---@class fstore.Leases
---@field seconds integer how long a lease lasts
---@field package store fstore.Store
---@field package view string
---@field package clock fun(): number seconds, never set back
---@field package ends number of the batch in hand, by our clock
local Leases = {}
Leases.__index = Leases

local leases = {}

local DEFAULT_S <const> = 300
-- Seconds between two looks for leases whose holder is gone.
local ORPHANS_EVERY_S <const> = 1

---@param store fstore.Store
---@param view string
---@param seconds integer?
---@param clock fun(): number
---@return fstore.Leases
function leases.new(store, view, seconds, clock)
  return setmetatable({
    store = store, view = view, seconds = seconds or DEFAULT_S, clock = clock, ends = 0, orphans_at = 0,
  }, Leases)
end

---Looks for orphans with the next batch.
function Leases:look_for_orphans()
  self.orphans_at = 0
end

local function free_orphans(self, now)
  if now < self.orphans_at then
    return true
  end
  self.orphans_at = now + ORPHANS_EVERY_S
  return self.store:free_orphaned_leases(self.view)
end

---Leases the next batch.
---@param limit integer events
---@return fstore.Event[]? events, fstore.Error? err
function Leases:take(limit)
  local now = self.clock()
  local events, err = free_orphans(self, now)
  if events then
    events, err = self.store:lease_events(self.view, {
      limit = limit, seconds = self.seconds, holder = self.store:holder(),
    })
  end
  self.ends = now + self.seconds
  return events, err
end

---@param events fstore.Event[] untried: they do not count as attempts
---@return true? done, fstore.Error? err
function Leases:give_back(events)
  if #events == 0 then
    return true
  end
  local returned, err = self.store:return_leases(self.view, partitions.last(events))
  return returned and true, err
end

---@return boolean more than half of the time is gone
function Leases:are_old()
  return self.clock() >= self.ends - self.seconds / 2
end

---@return boolean
function Leases:are_over()
  return self.clock() >= self.ends
end

---@return number seconds, at least a tenth
function Leases:left()
  return math.max(self.ends - self.clock(), 0.1)
end

---Makes the leases of events last, when they are old.
---@param events fstore.Event[]
---@return boolean? held false: one of them was lost, fstore.Error? err
function Leases:renew(events)
  if not self:are_old() then
    return true
  end
  local now, ours = self.clock(), partitions.last(events)
  local held, err = self.store:extend_leases(self.view, ours, self.seconds)
  if not held then
    return nil, err
  end
  self.ends = now + self.seconds
  return #held == #ours
end

return leases
