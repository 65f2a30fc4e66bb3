--- Folds one stream: `lua5.4 bench/folder.lua CONNINFO SCHEMA DECIDER_ID` prints its peak memory in kB.
local root = arg[0]:match("^(.*)/bench/folder%.lua$") or "."
package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, package.path)
package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)

local fstore = require "fstore"
local store <close> = assert(fstore.connect(arg[1], { schema = arg[2] }))

local quantity = 0
for event in store:get_events(arg[3], "Order") do
  quantity = quantity + event.data.quantity
end
for line in io.lines("/proc/self/status") do
  local peak = line:match("^VmHWM:%s+(%d+)")
  if peak then
    print(peak)
  end
end
