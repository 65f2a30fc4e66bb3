--- Coroutines over luv: what waits in one of them lets the others go on. Outside of `run`, waiting just runs the loop.
local loop = require "fstore.embedded.loop"
local uv = require "luv"

local tasks = {}

local limit = 60000 -- ms after which something that should happen has failed to
local is_task = setmetatable({}, { __mode = "k" })

--- Waits until `done()` is true; raises when it takes too long.
---@param done fun(): any
---@param what string for the message
function tasks.wait(done, what)
  if is_task[coroutine.running()] then
    while not done() do coroutine.yield(done) end
  elseif not loop.wait(done, limit) then
    error("waited too long for " .. what, 2)
  end
end

--- Lets time pass for the running task.
---@param milliseconds integer
function tasks.sleep(milliseconds)
  local over = false
  local timer = uv.new_timer()
  uv.update_time()
  timer:start(milliseconds, 0, function()
    over = true
    timer:close()
  end)
  tasks.wait(function() return over end, "a timer")
end

local function resume(task)
  local ok, wanted = coroutine.resume(task.thread)
  if not ok then error(("task %s: %s\n%s"):format(task.name, wanted, debug.traceback(task.thread)), 0) end
  task.done = wanted or function() return true end
  return coroutine.status(task.thread) ~= "dead"
end

--- Runs functions side by side until all have returned; raises as soon as one of them does.
---@param bodies table<string, fun()> by name
function tasks.run(bodies)
  local alive = {}
  for name, body in pairs(bodies) do
    local thread = coroutine.create(body)
    is_task[thread] = true
    alive[#alive + 1] = { name = name, thread = thread, done = function() return true end }
  end
  table.sort(alive, function(a, b) return a.name < b.name end)
  while #alive > 0 do
    local moved, left = false, {}
    for _, task in ipairs(alive) do
      local ready = task.done()
      moved = moved or ready
      if not ready or resume(task) then left[#left + 1] = task end
    end
    alive = left
    uv.run(moved and "nowait" or "once")
  end
end

return tasks
