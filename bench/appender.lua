--- Appends event by event, prints events a second: `lua5.4 bench/appender.lua CONNINFO SCHEMA SECONDS [original]`.
local root = arg[0]:match("^(.*)/bench/appender%.lua$") or "."
package.path = ("%s/?.lua;%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, root, package.path)
package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)

local comparison = require "bench.comparison"
local events = require "bench.events"
local fstore = require "fstore"

local store <close> = assert(fstore.connect(arg[1], { schema = arg[2] }))
local append = store.append_event
if arg[4] == "original" then
  assert(store:exec("SET search_path = " .. arg[2]))
  append = function(_, event)
    return store:exec(events.ORIGINAL, event.event_id, event.decider_id, fstore.json.value(event.data),
      event.command_id, event.previous_id)
  end
end

print(comparison.rate(tonumber(arg[3]), function(event)
  assert(append(store, event))
  return 1
end, events.source(10)))
