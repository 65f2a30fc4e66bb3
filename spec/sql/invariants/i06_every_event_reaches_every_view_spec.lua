local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I6: every event reaches every view, in order", function()
  local client = store.shared()
  local views = 0
  local id, view

  before_each(function()
    id, views = uuid(), views + 1
    view = "v" .. views
  end)

  local function committed(reader)
    local offsets = {}
    for _, row in ipairs(reader:query('SELECT "offset" FROM events WHERE decider_id = $1 ORDER BY "offset"', id)) do
      offsets[#offsets + 1] = row.offset
    end
    return offsets
  end

  local function leased(consumer)
    local offsets = {}
    for _, event in ipairs(consumer:lease(view)) do
      if event.decider_id == id then
        offsets[#offsets + 1] = event.offset
        consumer:ack(view, event)
      end
    end
    return offsets
  end

  -- An append to the partition that has drawn its offset and then waits, for it shares its event_id with one that is
  -- not committed. `let_go` rolls that one back.
  local function stalled_append(fields)
    local obstacle, appender, event_id = client(), client(), uuid()
    obstacle:query("BEGIN")
    assert(obstacle:append { decider_id = uuid(), event_id = event_id })
    local append = appender:start_append { decider_id = id, event_id = event_id, decider = fields and fields.decider }
    assert.equal("waits", append:settle())
    return function()
      obstacle:query("ROLLBACK")
      return append:result()
    end
  end

  describe("whenever the view is registered:", function()
    it("while an append is in flight, in whatever way it is made", function()
      for _, append in ipairs {
        "SELECT * FROM append_event('Placed', $1, 'Order', $2, '{}', $1, NULL)",
        [[SELECT * FROM append_events('{Placed}', ARRAY[$1]::uuid[], '{Order}', ARRAY[$2]::uuid[], '{"{}"}',
          ARRAY[$1]::uuid[], '{null}')]],
        [[INSERT INTO events (event, event_id, decider, decider_id, data, command_id)
          VALUES ('Placed', $1, 'Order', $2, '{}', $1)]],
      } do
        id, view = uuid(), view .. "x"
        local appender, registrar = client(), client()
        appender:query("BEGIN")
        appender:query(append, uuid(), id)
        local registration = registrar:start_call("register_view", view, "-infinity")
        assert.equal("waits", registration:settle())
        appender:query("COMMIT")
        assert(registration:result())
        assert.same(committed(registrar), leased(registrar))
      end
    end)

    it("before an append in the same moment, also with a session open since before", function()
      local appender, registrar = client(), client()
      appender:query("BEGIN")
      appender:query("SELECT count(*) FROM views")
      registrar:query("BEGIN")
      assert(registrar:call("register_view", view, "-infinity"))
      local append = appender:start_append { decider_id = id }
      assert.equal("waits", append:settle())
      registrar:query("COMMIT")
      assert(append:result())
      appender:query("COMMIT")
      assert.same(committed(registrar), leased(registrar))
    end)

    it("by a bare INSERT into views", function()
      local writer = client()
      assert(writer:append { decider_id = id })
      writer:query("INSERT INTO views (view, start_at) VALUES ($1, '-infinity')", view)
      assert(writer:append { decider_id = id, previous_id = writer:call("get_last_event", id, "Order")[1].event_id })
      assert.same(committed(writer), leased(writer))
    end)

    for _, level in ipairs { "REPEATABLE READ", "SERIALIZABLE" } do
      it(("after the snapshot of a %s append: that one must begin again"):format(level), function()
        local appender, registrar = client(), client()
        appender:query("BEGIN ISOLATION LEVEL " .. level)
        appender:query("SELECT count(*) FROM events")
        assert(registrar:call("register_view", view, "-infinity"))
        local _, err = appender:append { decider_id = id }
        assert.equal("40001", err.sqlstate)
        appender:query("ROLLBACK; BEGIN ISOLATION LEVEL " .. level)
        assert(appender:append { decider_id = id })
        appender:query("COMMIT")
        assert.same(committed(registrar), leased(registrar))
      end)

      it(("after the snapshot of a %s append, as one of two registrations"):format(level), function()
        local first, second, appender = client(), client(), client()
        first:query("BEGIN")
        first:query("SELECT pg_current_xact_id()")
        second:query("BEGIN")
        second:query("SELECT pg_current_xact_id()")
        assert(second:call("register_view", view, "-infinity", 300, nil, nil, false))
        local other = first:start_call("register_view", view .. "b", "-infinity", 300, nil, nil, false)
        local meanwhile = other:settle()
        if meanwhile == "done" then first:query("COMMIT") end
        appender:query("BEGIN ISOLATION LEVEL " .. level)
        appender:query("SELECT count(*) FROM events")
        second:query("COMMIT")
        if meanwhile == "waits" then
          assert(other:result())
          first:query("COMMIT")
        end
        first:query("SELECT fill_view($1)", view)
        local _, err = appender:append { decider_id = id }
        appender:query("COMMIT")
        assert.equal("40001", (err or {}).sqlstate)
        first:query("DELETE FROM views WHERE view = $1", view .. "b")
      end)

      it(("in a %s transaction: refused, for it would miss events"):format(level), function()
        local registrar = client()
        registrar:query("BEGIN ISOLATION LEVEL " .. level)
        local _, err = registrar:call("register_view", view, "-infinity")
        assert.equal("FS008", err.sqlstate)
      end)

      it(("before a %s append begins"):format(level), function()
        local writer = client()
        assert(writer:call("register_view", view, "-infinity"))
        writer:query("BEGIN ISOLATION LEVEL " .. level)
        assert(writer:append { decider_id = id })
        writer:query("COMMIT")
        assert.same(committed(writer), leased(writer))
      end)
    end

    it("in a transaction that is rolled back: appends go on as if nothing had been", function()
      local appender, registrar = client(), client()
      registrar:query("BEGIN")
      assert(registrar:call("register_view", view, "-infinity"))
      local append = appender:start_append { decider_id = id }
      assert.equal("waits", append:settle())
      registrar:query("ROLLBACK")
      assert(append:result())
      appender:query("BEGIN ISOLATION LEVEL REPEATABLE READ")
      assert(appender:append { decider_id = uuid() })
      appender:query("COMMIT")
      assert(registrar:call("register_view", view, "-infinity"))
      assert.same(committed(registrar), leased(registrar))
    end)
  end)

  describe("when the locks are filled in beside the appends:", function()
    local function register_unfilled(registrar)
      assert(registrar:call("register_view", view, "-infinity", 300, nil, nil, false))
    end

    it("an append that was in flight comes before one that overtook it", function()
      local early, late, registrar = client(), client(), client()
      early:query("DELETE FROM views")
      early:query("BEGIN")
      assert(early:append { decider_id = id })
      register_unfilled(registrar)
      assert(late:append { decider = "Parcel", decider_id = id })
      local seen = leased(registrar)
      assert.same(1, #registrar:call("appends_in_flight"))
      early:query("COMMIT")
      assert.same({}, registrar:call("appends_in_flight"))
      registrar:query("SELECT fill_view($1)", view)
      for _, offset in ipairs(leased(registrar)) do seen[#seen + 1] = offset end
      assert.equal(2, #seen)
      assert.same(committed(registrar), seen)
    end)

    it("partitions of before, and those of in between, all get their locks", function()
      local writer = client()
      local before = uuid()
      writer:append_chain(before, 2)
      register_unfilled(writer)
      assert(writer:append { decider = "Parcel", decider_id = before })
      assert(writer:append { decider_id = id })
      local after
      repeat after = writer:value("SELECT fill_view($1, $2, 1)", view, after) until not after
      assert.same(writer:query('SELECT decider_id, max("offset") AS "offset" FROM events GROUP BY 1 ORDER BY 1'),
        writer:query('SELECT decider_id, "offset" FROM locks WHERE view = $1 ORDER BY 1', view))
      local handled = {}
      for _, event in ipairs(writer:lease(view, 10000)) do
        handled[event.decider_id] = (handled[event.decider_id] or 0) + 1
      end
      assert.same({ 3, 1 }, { handled[before], handled[id] })
    end)

    it("filling twice leaves progress alone", function()
      local writer = client()
      writer:append_chain(id, 2)
      register_unfilled(writer)
      writer:query("SELECT fill_view($1)", view)
      assert.equal(2, #leased(writer))
      writer:query("SELECT fill_view($1)", view)
      assert.same({}, leased(writer))
    end)
  end)

  describe("in whatever order its transaction commits:", function()
    it("refused when a later one of its partition was handed out", function()
      local consumer = client()
      assert(consumer:call("register_view", view, "-infinity"))
      local let_go = stalled_append()
      assert(client():append { decider = "Parcel", decider_id = id })
      local first = leased(consumer)
      assert.equal(1, #first)
      local _, err = let_go()
      assert.equal("FS001", err.sqlstate)
      assert.equal("another event of this partition was handed to a view first", err.message)
      assert.same(committed(consumer), first)
    end)

    it("refused also when the later one was handed out, but not acked, and its lease is over", function()
      local consumer = client()
      assert(consumer:call("register_view", view, "-infinity"))
      local let_go = stalled_append()
      assert(client():append { decider = "Parcel", decider_id = id })
      consumer:lease(view, 100, 0)
      local _, err = let_go()
      assert.equal("FS001", err.sqlstate)
      assert.same(committed(consumer), leased(consumer))
    end)

    it("accepted, and delivered first, when none was handed out", function()
      local consumer = client()
      assert(consumer:call("register_view", view, "-infinity"))
      local let_go = stalled_append()
      assert(client():append { decider = "Parcel", decider_id = id })
      assert(let_go())
      local all = committed(consumer)
      assert.equal(2, #all)
      assert.same(all, leased(consumer))
    end)

    it("accepted after a replay has put the view before both", function()
      local consumer = client()
      assert(consumer:call("register_view", view, "-infinity"))
      local let_go = stalled_append()
      assert(client():append { decider = "Parcel", decider_id = id })
      assert.equal(1, #leased(consumer))
      local registration = client():start_call("register_view", view, "2000-01-01")
      assert.equal("waits", registration:settle()) -- for the append in flight
      assert.equal("FS001", select(2, let_go()).sqlstate)
      assert(registration:result())
      assert.same(committed(consumer), leased(consumer))
    end)

    it("also one that commits while a consumer is between looking for partitions and taking one", function()
      local consumer = client()
      assert(consumer:call("register_view", view, "-infinity"))
      -- The consumer is made to stand still on its way by a policy, which a role that is no superuser is subject to.
      local gate = client()
      gate:query([[
        CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN true; END';
        CREATE POLICY gate ON locks USING (gate());
        ALTER TABLE locks ENABLE ROW LEVEL SECURITY;
        GRANT USAGE ON SCHEMA fstore TO pg_monitor;
        GRANT ALL ON ALL TABLES IN SCHEMA fstore TO pg_monitor;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA fstore TO pg_monitor;
        SELECT pg_advisory_lock(42)]])
      local let_go = stalled_append()
      assert(client():append { decider = "Parcel", decider_id = id })
      consumer:query("SET ROLE pg_monitor")
      local lease = consumer:start_call("lease_events", view)
      assert.equal("waits", lease:settle())
      assert(let_go())
      gate:query("SELECT pg_advisory_unlock(42)")
      local first = assert(lease:result())
      consumer:query("RESET ROLE")
      gate:query([[ALTER TABLE locks DISABLE ROW LEVEL SECURITY; DROP POLICY gate ON locks;]])

      local seen = {}
      for _, event in ipairs(first) do
        if event.decider_id == id then
          seen[#seen + 1] = event.offset
          consumer:ack(view, event)
        end
      end
      for _, offset in ipairs(leased(consumer)) do seen[#seen + 1] = offset end
      assert.equal(2, #seen)
      assert.same(committed(consumer), seen)
    end)
  end)
end)
