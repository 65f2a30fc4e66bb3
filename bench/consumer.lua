--- Consumes a view with a handler that does nothing: `lua5.4 bench/consumer.lua CONNINFO SCHEMA HOW NUMBER`
---   wake NUMBER   for so many seconds, woken by appends as the host is
---   poll NUMBER   the same, but looks every 10 ms instead
---   count NUMBER  so many events
local root = arg[0]:match("^(.*)/bench/consumer%.lua$") or "."
package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, package.path)
package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)

local fstore = require "fstore"
local projector = require "fstore.application.projector"
local uv = require "luv"

local store <close> = assert(fstore.connect(arg[1], { schema = arg[2] }))
local how, number = arg[3], tonumber(arg[4])
local view = fstore.view { name = "view1", start_at = "-infinity", on = { OrderPlaced = function() end } }
local consumer = projector.new(store, view)

local function step()
  return assert(consumer:step()).handled
end

local idle = {
  wake = function()
    assert(store:arm())
    if step() == 0 then
      store:wait(100)
    end
    assert(store:disarm())
  end,
  poll = function() uv.sleep(10) end,
}

if how == "count" then
  local handled = 0
  while handled < number do
    handled = handled + step()
  end
else
  local deadline = uv.hrtime() + number * 1e9
  while uv.hrtime() < deadline do
    if step() == 0 then
      idle[how]()
    end
  end
end
