--- Whether somebody still reads our stdout, for a program that has nothing to write for long.
local uv = require "luv"

local reader = {}

local O_WRONLY <const>, O_NONBLOCK <const> = 1, 2048

---Starts watching. Only the reader of a pipe can be seen to go.
---@return fun(): boolean is_there
function reader.watch()
  local stat = uv.fs_fstat(1)
  -- Opened anew: polling makes a description non-blocking, which stdout must not become.
  local fd = stat and stat.type == "fifo" and uv.fs_open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK, 0)
  local poll, is_there = fd and uv.new_poll(fd), true
  if poll then
    -- With "p" its going is an event; without, luv takes it for a failure and says so on stderr.
    poll:start("dp", function() is_there = false end)
    poll:unref()
  end
  return function()
    uv.run("nowait")
    return is_there
  end
end

return reader
