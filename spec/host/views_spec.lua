-- `fstore-lua views`: numbers that an operator can trust.
local database = require "spec.support.database"
local host = require "spec.support.host"

describe("views", function()
  local db
  setup(function()
    db = database.fresh()
  end)

  local function views(...)
    return host.run({ "views", ... }, { db = db })
  end

  it("prints nothing for a store without views", function()
    local result = views()
    assert.same({ 0, "", "no view is registered\n" }, { result.code, result.out, result.err })
  end)

  it("says that a view is not registered", function()
    local result = views("nobody")
    assert.equal(1, result.code)
    assert.equal("no view nobody is registered\n", result.err)
  end)

  it("counts what is pending and leased, and knows the age of the oldest", function()
    database.query(db, [[
      select fstore.register_view('orders', '-infinity');
      select fstore.register_decider_event('D', 'E', 'text');
      create function pg_temp.append(id uuid) returns void language sql as
        $$ select fstore.append_event('E', gen_random_uuid(), 'D', id, '{}', gen_random_uuid(),
          (select event_id from fstore.events where decider_id = id order by "offset" desc limit 1)) $$;
      select pg_temp.append(('00000000-0000-4000-8000-00000000000' || n % 3)::uuid) from generate_series(1, 9) as n;
      select fstore.register_view('archive');
      select fstore.ack_event('orders', decider_id, "offset") from fstore.stream_events('orders', 1);
      select fstore.stream_events('orders', 1)]])
    local rows = views():rows()
    local orders = rows[2]
    assert.equal("archive", rows[1].view)
    assert.equal(0, rows[1].pending_events)
    assert.is_nil(rows[1].oldest_pending_s)
    assert.equal("orders", orders.view)
    assert.equal(8, orders.pending_events)
    assert.equal(3, orders.pending_partitions)
    assert.equal(1, orders.leased_partitions)
    assert.equal(0, orders.parked_partitions)
    assert.is_true(orders.oldest_pending_s >= 0 and orders.oldest_pending_s < 60)
    assert.same({ "orders" }, { views("orders"):rows()[1].view })
  end)

  it("shows a table on a terminal", function()
    local shown = host.on_terminal("views", { db = db })
    assert.equal(0, shown.code)
    assert.matches("^view +pending events +pending partitions +leased +parked +oldest pending\n", shown.out)
    assert.matches("\narchive +0 +0 +0 +0\n", shown.out)
    assert.matches("\norders +8 +3 +1 +0  %d+%.%d s\n$", shown.out)
  end)
end)
