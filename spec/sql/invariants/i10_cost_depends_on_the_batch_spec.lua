local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

local many = 100000

-- Each hot path, as a call with a batch of ten: what it is given is there at any size of the store.
local ten = "(SELECT array_agg(decider_id) FROM (SELECT decider_id FROM known LIMIT 10) AS k)"
local paths = {
  ["append_event, first of a stream"] =
    "append_event('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', gen_random_uuid(), NULL)",
  ["append_event, behind another"] = [[append_event('Placed', gen_random_uuid(), 'Order', $1, '{}', gen_random_uuid(),
    (SELECT event_id FROM get_last_event($1, 'Order')))]],
  ["append_events"] = [[append_events(array_fill('Placed'::text, '{10}'),
    ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 10)), array_fill('Order'::text, '{10}'),
    ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 10)), array_fill('{}'::jsonb, '{10}'),
    array_fill(gen_random_uuid(), '{10}'), array_fill(NULL::uuid, '{10}'))]],
  ["get_events"] = "get_events($1, 'Order')",
  ["get_last_event"] = "get_last_event($1, 'Order')",
  ["get_streams"] = "get_streams(" .. ten .. ", 'Order')",
  ["read_events"] = "read_events(0, 10)",
  ["stream_events"] = "stream_events('pending', 10)",
  ["stream_events, nothing pending"] = "stream_events('idle', 10)",
  ["lease_events"] = "lease_events('pending', 10)",
  ["lease_events, nothing pending"] = "lease_events('idle', 10)",
  ["ack_event"] = "ack_event('pending', $1, 1)",
  ["ack_events"] = "ack_events('pending', " .. ten .. ", array_fill(1::bigint, '{10}'), NULL)",
  ["nack_event"] = "nack_event('pending', $1)",
  ["schedule_nack_event"] = "schedule_nack_event('pending', $1, 10)",
  ["nack_events"] = "nack_events('pending', " .. ten .. ", NULL)",
  ["extend_leases"] = "extend_leases('pending', " .. ten .. ", array_fill(0::bigint, '{10}'))",
}

describe("I10: the cost depends on the batch", function()
  local client = store.shared()
  local id = uuid()
  local old_session -- its plans were made when the store was small

  -- Pages touched, and the sequential scans of the two big tables. Nothing of it stays.
  local function cost(session, call)
    session:query("BEGIN")
    local text = session:value("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM " .. call, id)
    local scans = session:value([[SELECT sum(seq_scan)::int FROM pg_stat_xact_user_tables
      WHERE schemaname = 'fstore' AND relname IN ('events', 'locks')]])
    session:query("ROLLBACK")
    local plan = core.json.decode(text)[1].Plan
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], scans
  end

  -- An index of 100,000 entries is two pages deeper than one of ten, for each look-up of a batch of ten.
  local function limit_of(pages) return 4 * pages + 100 end

  -- Of a warm session. The calls touch the same few rows again and again: dead versions that cannot be cleared away
  -- yet, while autovacuum looks at the database, may be in the way for a moment.
  local function costs(session, small)
    local pages, scans = {}, {}
    for name, call in pairs(paths) do
      cost(session, call)
      pages[name], scans[name] = math.maxinteger, 0
      local tries = 0
      repeat
        session:query("VACUUM (INDEX_CLEANUP off) locks")
        local touched, scanned = cost(session, call)
        pages[name], scans[name] = math.min(pages[name], touched), scans[name] + scanned
        tries = tries + 1
      until tries == 20 or tries >= 2 and (not small or pages[name] <= limit_of(small[name]))
    end
    return pages, scans
  end

  -- Partitions of one event each, in one statement; the views begin before them, or are told that all is handled.
  local function load(session, n)
    session:query([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id)
      SELECT 'Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', gen_random_uuid()
      FROM generate_series(1, $1)]], n)
    session:query("SELECT ack_events('idle', array_agg(decider_id), array_agg(\"offset\"), NULL) FROM events")
    session:query("VACUUM locks") -- as autovacuum would; it leaves the planner's statistics alone
  end

  local small, big, small_scans, big_scans, fresh, fresh_scans

  setup(function()
    local loader = client()
    for _, name in ipairs { "events", "locks" } do
      loader:query(("ALTER TABLE %s SET (autovacuum_enabled = off)"):format(name))
    end
    assert(loader:call("register_view", "pending", "-infinity"))
    assert(loader:call("register_view", "idle", "-infinity"))
    loader:query("CREATE TABLE known (decider_id uuid)")
    assert(loader:append { decider_id = id })
    for _ = 1, 9 do assert(loader:append { decider_id = uuid() }) end
    loader:query("INSERT INTO known SELECT decider_id FROM events")
    load(loader, 1)

    old_session = client()
    small, small_scans = costs(old_session)
    load(loader, many)
    big, big_scans = costs(old_session, small)
    fresh, fresh_scans = costs(client(), small)
  end)

  for name in pairs(paths) do
    it(("%s costs the same at %d deciders as at ten"):format(name, many), function()
      local limit = limit_of(small[name])
      assert.is_true(big[name] <= limit, ("%d pages were %d with an old plan"):format(big[name], small[name]))
      assert.is_true(fresh[name] <= limit, ("%d pages were %d with a new plan"):format(fresh[name], small[name]))
      assert.same({ 0, 0, 0 }, { small_scans[name], big_scans[name], fresh_scans[name] })
    end)
  end

  it("a lease is a HOT update", function()
    local session = client()
    session:query("BEGIN")
    assert.equal(100, #session:lease("pending", 100))
    local updated = session:query([[SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_xact_user_tables
      WHERE schemaname = 'fstore' AND relname = 'locks']])[1]
    session:query("ROLLBACK")
    assert.equal(100, updated.all)
    assert.is_true(updated.hot >= 85, updated.hot .. " of 100") -- the first ten share pages with what was measured
  end)

  it("so is a lease of ten neighbours, whose locks share a page", function()
    local session = client()
    session:query("BEGIN")
    assert(session:call("register_view", "neighbours", "infinity"))
    for _ = 1, 100 do
      assert(session:append { decider_id = uuid() })
    end
    assert.equal(10, #session:lease("neighbours", 10))
    local updated = session:query([[SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_xact_user_tables
      WHERE schemaname = 'fstore' AND relname = 'locks']])[1]
    session:query("ROLLBACK")
    assert.same({ 10, 10 }, { updated.all, updated.hot })
  end)

  it("it does not collapse while another transaction stays open", function()
    local holder, consumer, late = client(), client(), client()
    holder:query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder:query("SELECT count(*) FROM views")
    -- Every entry of the queue dies at once, and none can be vacuumed away.
    local acked = consumer:value([[SELECT count(*) FROM ack_events('pending',
      (SELECT array_agg(decider_id ORDER BY decider_id) FROM locks WHERE view = 'pending'),
      (SELECT array_agg("offset" ORDER BY decider_id) FROM locks WHERE view = 'pending'), NULL)]])
    assert.is_true(acked > many, acked)
    local function pages(session)
      local plan = session:value("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM lease_events('pending')")
      return core.json.decode(plan)[1].Plan["Shared Hit Blocks"]
    end
    for _, session in ipairs { consumer, late } do
      pages(session)
      local sum = 0
      for _ = 1, 10 do sum = sum + pages(session) end
      assert.is_true(sum <= 200, sum .. " pages in ten polls of an empty queue")
    end
  end)
end)
