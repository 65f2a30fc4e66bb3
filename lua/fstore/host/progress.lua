--- Progress on stderr, while it is a terminal: a bar when the end is known, a counter otherwise.
local uv = require "luv"
local words = require "fstore.host.words"

---@class fstore.host.Progress
local Progress = {}
Progress.__index = Progress

local progress = {}

local EVERY_MS <const> = 100
local WIDTH <const> = 30

---@param unit string what is counted: "commands", "events"
---@param total number? where `done` ends, in whatever measure; nil: not known
---@return fstore.host.Progress
function progress.new(unit, total)
  local self = {
    unit = unit, total = total and total > 0 and total or nil, is_shown = uv.guess_handle(2) == "tty",
    started = uv.hrtime(), next_at = 0, was_shown = false,
  }
  return setmetatable(self, Progress)
end

local function bar(share)
  local filled = math.floor(share * WIDTH)
  return ("[%s%s] %3d %%"):format(("#"):rep(filled), ("."):rep(WIDTH - filled), math.floor(share * 100))
end

local function time_left(seconds, share)
  return share > 0 and share < 1 and (", %s left"):format(words.duration(seconds / share - seconds)) or ""
end

---Shows how far things are, now and then.
---@param count integer units so far
---@param done number? of total
function Progress:update(count, done)
  local now = uv.hrtime()
  if not self.is_shown or now < self.next_at then
    return
  end
  self.next_at = now + EVERY_MS * 1000000
  local seconds = math.max((now - self.started) / 1e9, 1e-3)
  local text = ("%d %s, %.0f/s"):format(count, self.unit, count / seconds)
  if self.total then
    local share = math.min((done or 0) / self.total, 1)
    text = ("%s  %s%s"):format(bar(share), text, time_left(seconds, share))
  end
  io.stderr:write("\r", text, "\27[K")
  self.was_shown = true
end

---Takes the line away, before something else is written there.
function Progress:clear()
  if self.was_shown then
    io.stderr:write("\r\27[K")
    self.was_shown, self.next_at = false, 0
  end
end

Progress.__close = Progress.clear

return progress
