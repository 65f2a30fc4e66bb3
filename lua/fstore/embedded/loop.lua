--- Waiting on the luv event loop, for programs that do not run one of their own.
local uv = require "luv"

local loop = {}

--- Closes a handle, and lets luv finish that: luv 1.44 crashes when a Lua state ends with a handle half closed.
---@param handle uv_handle_t
function loop.close(handle)
  if handle:is_closing() then return end
  handle:close()
  uv.run("nowait")
end

--- Runs the event loop until `done()` is true, or the time is over.
--- Without a time limit something active (a process, a listener) must be going to end the wait.
---@param done fun(): any
---@param milliseconds? integer
---@return boolean in_time
function loop.wait(done, milliseconds)
  local late, timer = false, nil
  if milliseconds then
    uv.update_time() -- the loop's clock stands still while nobody runs the loop
    timer = uv.new_timer()
    timer:start(milliseconds, 0, function() late = true end)
  end
  local is_done = done()
  while not is_done and not late do
    uv.run("once")
    is_done = done()
  end
  if timer then loop.close(timer) end
  return is_done and true or false
end

--- Like `wait`, for a condition that no event announces: asks again every few milliseconds.
---@param done fun(): any
---@param milliseconds integer
---@return boolean in_time
function loop.poll(done, milliseconds)
  local tick = uv.new_timer()
  uv.update_time()
  tick:start(2, 2, function() end)
  local in_time = loop.wait(done, milliseconds)
  loop.close(tick)
  return in_time
end

---@param milliseconds integer
function loop.sleep(milliseconds)
  loop.wait(function() return false end, milliseconds)
end

return loop
