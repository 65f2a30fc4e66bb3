-- Leases that end with their holder, leases given back untried, and the limit of attempts.
local core = require "fstore.core"
local database = require "spec.support.database"

describe("leases", function()
  local db, conn, other
  before_each(function()
    db = database.fresh()
    conn, other = assert(core.connect(db)), assert(core.connect(db))
    assert(conn:register_decider_event("Order", "Placed", "a customer placed an order"))
    assert(conn:register_view { view = "orders", start_at = "-infinity", max_attempts = 7 })
    local items = {}
    for index = 1, 3 do
      items[index] = {
        event = "Placed", decider = "Order", decider_id = core.uuid.v4(), data = {}, command_id = core.uuid.v4(),
      }
    end
    assert(conn:append_events(items))
  end)
  after_each(function()
    conn:close()
    other:close()
    database.drop(db)
  end)

  local function query(sql)
    return database.query(db, "set search_path = fstore; " .. sql)
  end

  local function free()
    return #assert(conn:exec("select * from fstore.free_orphaned_leases('orders')"))
  end

  local function lease()
    return assert(other:lease_events("orders", { holder = other:backend_pid() }))
  end

  -- Ends the holder's session, and makes another one.
  local function lose_holder()
    assert(conn:exec("select pg_terminate_backend($1, 5000)", other:backend_pid()))
    other = assert(core.connect(db))
  end

  it("register_view keeps how often an event may be tried", function()
    assert.equal("7", query "select max_attempts from views")
    assert(conn:register_view { view = "orders" })
    assert.equal("", query "select max_attempts from views")
  end)

  it("are there for what a bare statement makes pending, and not for what it takes back", function()
    local function queued()
      return query("select count(pending_from) || '|' || count(*) from locks")
    end
    for _, lock in ipairs(lease()) do
      assert(other:ack_event("orders", lock.decider_id, lock.offset))
    end
    assert.equal("0|3", queued())
    query("update locks set last_offset = 0")
    assert.equal("3|3", queued())
    query("update locks set last_offset = \"offset\"")
    assert.equal("0|3", queued())
    query("insert into locks (view, decider_id, \"offset\", last_offset, offset_final) "
      .. "values ('orders', gen_random_uuid(), 9, 0, false), ('orders', gen_random_uuid(), 9, 9, false)")
    assert.equal("1|5", queued())
    assert.equal("3", query("select count(*) from locks where updated_at > created_at"))
  end)

  it("end with their holder, and with it alone", function()
    assert.equal(3, #lease())
    assert.equal(0, free())
    lose_holder()
    assert.equal(3, free())
    assert.equal(3, #lease())
    assert.equal("1|2|attempt 1: its consumer was lost before it answered",
      query "select count(distinct token), max(attempts), max(last_error) from locks")
  end)

  it("without a holder run out", function()
    assert.equal(3, #assert(other:lease_events("orders")))
    lose_holder()
    assert.equal(0, free())
  end)

  it("come free after a growing delay once a partition was tried before", function()
    lease()
    lose_holder()
    free()
    lease()
    lose_holder()
    assert.equal(3, free())
    assert.equal(0, #lease())
    assert.equal("t", query [[select bool_and(locked_until between now() and now() + interval '2.5 s') from locks]])
  end)

  it("that were given back with a delay keep it when their holder goes", function()
    local event = lease()[1]
    local nack = { decider_id = event.decider_id, token = event.token, milliseconds = 60000 }
    assert(other:nack_events("orders", { nack }))
    lose_holder()
    assert.equal(2, free())
  end)

  it("given back untried do not count as attempts, and only their holder can give them back", function()
    local events = lease()
    local function give_back(token)
      return assert(conn:exec("select * from fstore.return_leases('orders', array[$1::uuid], array[$2::bigint])",
        events[1].decider_id, token))
    end
    assert.equal(0, #give_back(events[1].token - 1))
    assert.equal(1, #give_back(events[1].token))
    assert.equal(0, #give_back(events[1].token))
    assert.equal("0|1|1", query "select string_agg(attempts::text, '|' order by attempts) from locks")
    assert.equal(1, #lease())
  end)
end)
