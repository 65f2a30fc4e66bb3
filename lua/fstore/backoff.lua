--- How long to wait before the next attempt: twice as long each time, up to a limit, and never two hosts in step.
local backoff = {}

---@param attempt integer from 1
---@param first number the wait after the first attempt
---@param last number the longest wait
---@param random (fun(): number)? in [0, 1) (default math.random)
---@return integer wait in the unit of `first`, a quarter more or less
function backoff.wait(attempt, first, last, random)
  local wait = math.min(first * 2.0 ^ math.min(attempt - 1, 60), last)
  return math.floor(wait * (0.75 + (random or math.random)() / 2))
end

return backoff
