--- SIGINT and SIGTERM ask the program to finish what it has in hand; the second one ends it at once.
local uv = require "luv"

local signals = { asked_to_stop = false }

local function on_signal()
  if signals.asked_to_stop then
    os.exit(130)
  end
  signals.asked_to_stop = true
  io.stderr:write("fstore-lua: stopping, once what is in hand is done\n")
end

---Starts listening. Without it the signals end the program as usual.
function signals.listen()
  for _, name in ipairs { "sigint", "sigterm" } do
    local handle = uv.new_signal()
    handle:start(name, on_signal)
    handle:unref()
  end
end

---Whether the program was asked to stop by now.
---@return boolean
function signals.stop_asked()
  uv.run("nowait")
  return signals.asked_to_stop
end

return signals
