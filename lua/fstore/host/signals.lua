--- SIGINT and SIGTERM ask the program to finish what it has in hand; a second one ends it at once.
local loop = require "fstore.embedded.loop"
local uv = require "luv"

local signals = { asked_to_stop = false }

local function stop()
  signals.asked_to_stop = true
end

local function stop_aloud()
  stop()
  io.stderr:write("fstore-lua: stopping, once what is in hand is done\n")
end

---Starts listening. Without it the signals end the program as usual.
---@param quietly boolean? where nothing is ever in hand, there is nothing to say
function signals.listen(quietly)
  for _, name in ipairs { "sigint", "sigterm" } do
    -- Once: the next signal meets the system's own handler, even while a script or a statement keeps us from looking.
    uv.signal_start_oneshot(uv.new_signal(), name, quietly and stop or stop_aloud)
  end
end

---The interpreter turns SIGINT into an error wherever the program is: back to the system's own handler.
function signals.forget_interpreter()
  local handle = uv.new_signal()
  handle:start("sigint", function() end)
  loop.close(handle)
end

---A reader of ours that goes away shall be an error of the write, not the end of the program.
function signals.ignore_broken_pipes()
  local handle = uv.new_signal()
  handle:start("sigpipe", function() end)
  handle:unref()
end

---Whether the program was asked to stop by now.
---@return boolean
function signals.stop_asked()
  uv.run("nowait")
  return signals.asked_to_stop
end

return signals
