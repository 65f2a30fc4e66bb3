--- A view as the pusher sees it: where its events go, when to look for some, and what the database is yet to be told.
local core = require "fstore.core"

---@class fstore.PushReceiver
---@field origin string what may be shown of the URL: scheme, host and port
---@field has_secrets boolean whether the URL holds a user, a password or a query

---@class fstore.PushedView
---@field name string
---@field url string
---@field receiver fstore.PushReceiver? nil: the URL cannot be used
---@field problem string? why it cannot
---@field lease_ms integer
---@field max_attempts integer? failures after which a partition is parked
---@field in_flight integer requests that wait for an answer
---@field acks fstore.Ack[] to be sent, as are the next two
---@field nacks fstore.Nack[]
---@field parks { decider_id: string, token: integer, error: string }[]
---@field package delay_ms integer between two looks
---@field package due number when to look next
---@field package paused_until number the receiver wants nothing before
---@field package watched_until number something comes free without a notification until then
local PushedView = {}
PushedView.__index = PushedView
PushedView.__name = "fstore.pushed_view"

local pushed_view = {}

local LEAST_DELAY_MS <const> = 1000

---@param name string
---@return fstore.PushedView
function pushed_view.new(name)
  return setmetatable({
    name = name, due = 0, paused_until = 0, watched_until = 0, in_flight = 0, acks = {}, nacks = {}, parks = {},
  }, PushedView)
end

---Takes over how the view is registered now.
---@param row { url: string, lock_timeout_s: integer, delay_s: integer, max_attempts: integer? }
---@param now number
---@return boolean is_new whether the URL is another now
function PushedView:update(row, now)
  self.lease_ms, self.max_attempts = row.lock_timeout_s * 1000, row.max_attempts
  self.delay_ms = math.max(row.delay_s * 1000, LEAST_DELAY_MS)
  self.due = math.min(self.due, now + self.delay_ms)
  if self.url == row.url then
    return false
  end
  self.url, self.due, self.paused_until = row.url, 0, 0
  local origin, more = core.http.origin(row.url)
  self.receiver = origin and { origin = origin, has_secrets = more } or nil
  self.problem = not origin and "its edge_function_url is " .. more or nil
  return true
end

---How many more requests there may be.
---@param concurrency integer
---@return integer
function PushedView:room(concurrency)
  return self.receiver and math.max(concurrency - self.in_flight, 0) or 0
end

---When to look for events next.
---@return number
function PushedView:due_at()
  return math.max(self.due, self.paused_until)
end

---There may be events now.
function PushedView:look_now()
  self.due = 0
end

---There is none now. What comes free at a time of its own is looked for more often than the view asks for.
---@param now number
function PushedView:look_later(now)
  self.due = now + (now < self.watched_until and LEAST_DELAY_MS or self.delay_ms)
end

---A partition comes free then, without a notification.
---@param at number
function PushedView:watch_until(at)
  self.watched_until = math.max(self.watched_until, at + LEAST_DELAY_MS)
end

---The receiver wants nothing before.
---@param at number
function PushedView:pause_until(at)
  self.paused_until = math.max(self.paused_until, at)
end

return pushed_view
