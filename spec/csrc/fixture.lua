--- What the specs of the C core share: one fresh database, connections to it, and items to append.
local core = require "fstore.core"
local database = require "spec.support.database"

local fixture = {}

local conninfo

--- The database of these specs; the decider Order has the events Placed and Shipped.
function fixture.conninfo()
  if not conninfo then
    conninfo = database.fresh()
    local conn <close> = assert(core.connect(conninfo))
    assert(conn:register_decider_event("Order", "Placed", "a customer placed an order"))
    assert(conn:register_decider_event("Order", "Shipped", "it is on its way"))
    assert(conn:register_decider_event("Order", "Shipped", "it is on its way", 2))
  end
  return conninfo
end

function fixture.connect(options) return assert(core.connect(fixture.conninfo(), options)) end

--- An item for append_events; fields override.
function fixture.item(decider_id, fields)
  local item = { event = "Placed", decider = "Order", decider_id = decider_id, data = { n = 1 } }
  item.command_id = core.uuid.v4()
  for key, value in pairs(fields or {}) do item[key] = value end
  return item
end

function fixture.items(decider_id, n)
  local items = {}
  for i = 1, n do items[i] = fixture.item(decider_id, { data = { n = i } }) end
  return items
end

--- Ends a connection from the server's side.
function fixture.kill(conn)
  local other <close> = fixture.connect()
  assert(other:exec("select pg_terminate_backend($1, 5000)", conn:backend_pid()))
end

return fixture
