--- Appends event by event, prints events a second: `lua5.4 bench/appender.lua CONNINFO SCHEMA SECONDS`.
local root = arg[0]:match("^(.*)/bench/appender%.lua$") or "."
package.path = ("%s/?.lua;%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, root, package.path)
package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)

local comparison = require "bench.comparison"
local events = require "bench.events"
local fstore = require "fstore"

local store <close> = assert(fstore.connect(arg[1], { schema = arg[2] }))
local source = events.source(10)
print(comparison.rate(tonumber(arg[3]), function()
  assert(store:append_event(source()))
  return 1
end))
