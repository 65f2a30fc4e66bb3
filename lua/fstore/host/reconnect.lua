--- Waiting for a database that is gone: with growing pauses, until it is back or the program is asked to stop.
local backoff = require "fstore.backoff"
local loop = require "fstore.embedded.loop"
local signals = require "fstore.host.signals"

local reconnect = {}

local FIRST_PAUSE_MS <const> = 100
local LAST_PAUSE_MS <const> = 5000

---Pauses once, shorter than `milliseconds` when the program is asked to stop.
---@param milliseconds integer
function reconnect.pause(milliseconds)
  loop.wait(function() return signals.asked_to_stop end, milliseconds)
end

---Waits until `attempt` succeeds.
---@param attempt fun(): true?, fstore.Error? what is tried; an error of another kind than "connection" ends the waiting
---@return boolean? back false: the program was asked to stop, fstore.Error? err
function reconnect.wait(attempt)
  for count = 1, math.huge do
    if signals.stop_asked() then
      return false
    end
    local done, err = attempt()
    if done then
      return true
    elseif err.kind ~= "connection" then
      return nil, err
    end
    reconnect.pause(backoff.wait(count, FIRST_PAUSE_MS, LAST_PAUSE_MS))
  end
end

return reconnect
