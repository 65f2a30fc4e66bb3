local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local json, uuid = core.json, core.uuid

describe("events", function()
  local conn, id

  setup(function() conn = fixture.connect() end)
  teardown(function() conn:close() end)
  before_each(function() id = uuid.v4() end)

  local function append(n) return assert(conn:append_events(fixture.items(id, n))) end

  local function numbers(options)
    local list = {}
    for event in conn:get_events(id, "Order", options) do list[#list + 1] = event.data.n end
    return list
  end

  describe("get_events", function()
    it("reads a stream in pages of any size", function()
      append(10)
      for _, page in ipairs { 1, 3, 5, 9, 10, 11, math.maxinteger } do
        assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, numbers { page = page })
      end
      assert.same({}, (function() id = uuid.v4() return numbers() end)())
    end)

    it("begins after an offset", function()
      local events = append(5)
      assert.same({ 4, 5 }, numbers { after = events[3].offset })
      assert.same({}, numbers { after = events[5].offset, page = 1 })
    end)

    it("leaves the connection free between events", function()
      append(5)
      for event in conn:get_events(id, "Order", { page = 2 }) do
        assert.equal(event.offset, conn:exec("select $1::int8 as n", event.offset)[1].n)
        local inner = 0
        for _ in conn:get_events(id, "Order", { page = 2 }) do inner = inner + 1 end
        assert.equal(5, inner)
      end
    end)

    it("reads in a transaction", function()
      append(5)
      conn:exec("begin")
      assert.same({ 1, 2, 3, 4, 5 }, numbers { page = 2 })
      assert.equal("transaction", conn:status())
      conn:exec("commit")
    end)

    it("can be left early, and stays at its end", function()
      append(5)
      for event in conn:get_events(id, "Order", { page = 2 }) do
        if event.data.n == 3 then break end
      end
      local next_event = conn:get_events(id, "Order", { page = 2 })
      for i = 1, 5 do assert.equal(i, next_event().data.n) end
      assert.is_nil(next_event())
      assert.is_nil(next_event())
    end)

    it("raises the error of a failure", function()
      append(5)
      local other = fixture.connect()
      local next_event = other:get_events(id, "Order", { page = 2 })
      assert.equal(1, next_event().data.n)
      fixture.kill(other)
      local ok, err = pcall(function() while next_event() do end end)
      assert.is_false(ok)
      assert.equal("connection", err.kind)
      assert.equal(core.error_metatable, getmetatable(err))
      assert.is_nil(next_event())
      other:close()
    end)

    it("says that the connection was closed", function()
      append(5)
      local other = fixture.connect()
      local next_event = other:get_events(id, "Order", { page = 2 })
      next_event()
      other:close()
      assert.error_matches(function() while next_event() do end end, "the connection is closed", 1, true)
    end)

    it("refuses wrong arguments", function()
      assert.has_error(function() conn:get_events("x", "Order") end)
      assert.has_error(function() conn:get_events(id, nil) end)
      assert.error_matches(function() conn:get_events(id, "Order", { size = 1 }) end, "size: unknown key", 1, true)
      assert.error_matches(function() conn:get_events(id, "Order", { page = 0 }) end, "page: out of range", 1, true)
      assert.error_matches(function() conn:get_events(id, "Order", { after = "1" }) end, "after: integer expected", 1,
        true)
    end)
  end)

  it("get_last_event filters by the decider", function()
    append(3)
    assert.equal(3, conn:get_last_event(id, "Order").data.n)
    assert.equal(0, select("#", conn:get_last_event(id, "Other")) - 1)
    assert.is_nil(conn:get_last_event(id, "Other"))
  end)

  it("get_streams reads several streams, up to a limit each", function()
    append(3)
    local first = id
    id = uuid.v4()
    append(2)
    local function read(ids, limit)
      local found = {}
      for _, event in ipairs(assert(conn:get_streams("Order", ids, limit))) do
        found[event.decider_id] = (found[event.decider_id] or "") .. event.data.n
      end
      return found
    end
    assert.same({ [first] = "123", [id] = "12" }, read { first, id, uuid.v4() })
    assert.same({ [first] = "1", [id] = "1" }, read({ first, id:upper() }, 1))
    assert.same({}, read {})
    assert.error_matches(function() conn:get_streams("Order", { id, "x" }) end,
      "item 2: decider_id: UUID expected, got 'x'", 1, true)
  end)

  it("survives the loss of its prepared statements", function()
    append(2)
    for _ = 1, 10 do
      assert.same({ 1, 2 }, numbers())
      conn:exec("deallocate all")
    end
    conn:exec("discard all")
    assert.same({ 1, 2 }, numbers())
  end)

  it("recovers after it lost a prepared statement in a transaction", function()
    local other <close> = fixture.connect()
    assert(other:get_last_event(id, "Order") == nil)
    other:exec("begin; deallocate all")
    local none, err = other:get_last_event(id, "Order")
    assert.is_nil(none)
    assert.equal("26000", err.sqlstate)
    other:exec("rollback")
    assert.is_nil(select(2, other:get_last_event(id, "Order")))
  end)

  it("survives a change of what a statement returns", function()
    local other <close> = fixture.connect { schema = "other" }
    conn:exec([[create schema other; create table other.views (view text, start_at timestamptz);
      create function other.register_view(text, timestamptz, bigint, bigint, text, boolean, integer)
      returns setof other.views language sql stable as 'select * from other.views';
      insert into other.views values ('a')]])
    assert.equal("a", other:register_view({ view = "a" }).view)
    conn:exec("alter table other.views add column lock_timeout_s bigint default 7")
    other:exec("set search_path = pg_catalog") -- makes the server look at its plans again
    assert.equal(7, assert(other:register_view { view = "a" }).lock_timeout_s)
    assert.equal(7, assert(other:register_view { view = "a" }).lock_timeout_s)
    conn:exec("drop schema other cascade")
  end)

  it("says that the columns are not the ones it knows", function()
    local other <close> = fixture.connect { schema = "other" }
    assert(conn:exec [[create schema other; create function other.get_last_event(uuid, text) returns table (event text,
      event_id uuid, event_version int, decider text, decider_id uuid, data jsonb, command_id uuid, previous_id uuid,
      final bool, created_at timestamptz, "offset" bigint)
      language sql as 'select null::text, null::uuid, 1, null::text, null::uuid, null::jsonb, null::uuid, null::uuid,
        true, null::timestamptz, 1::bigint']])
    local none, err = other:get_last_event(id, "Order")
    assert.is_nil(none)
    assert.matches("unexpected type", err.message, 1, true)
    conn:exec("drop schema other cascade")
  end)

  describe("an event", function()
    local event

    before_each(function() event = append(2)[2] end)

    it("has its fields and no other", function()
      assert.is_nil(event.nonsense)
      assert.is_nil(event[1])
      assert.is_nil(event.token)
      assert.is_nil(event.attempts)
      assert.equal("event", core.event_type(event))
      assert.is_nil(core.event_type {})
      assert.is_nil(core.event_type(io.stdout))
      assert.matches("^Order " .. id:gsub("%-", "%%-") .. ": Placed version 1 at offset %d+$", tostring(event))
    end)

    it("decodes its data once", function()
      assert.equal(event.data, event.data)
      assert.equal('{"n":2}', event.raw_data)
    end)

    it("is read-only", function()
      assert.error_matches(function() event.event = "x" end, "an event is read-only (field 'event')", 1, true)
      assert.error_matches(function() event.new = "x" end, "read-only", 1, true)
    end)

    it("lists its fields in the contract's order", function()
      local names, values = {}, {}
      for name, value in pairs(event) do
        names[#names + 1] = name
        values[name] = value
      end
      assert.equal(
        "event event_id event_version decider decider_id data command_id previous_id final created_at offset",
        table.concat(names, " "))
      for name, value in pairs(values) do assert.equal(event[name], value) end
    end)

    it("becomes JSON with its data as it is", function()
      conn:exec([[select fstore.append_event('Placed', gen_random_uuid(), 'Order', $1, '{"n": 1.00, "big": 1e400}', $1,
        $2)]], id, event.event_id)
      local strange = assert(conn:get_last_event(id, "Order"))
      assert.error_matches(function() return strange.data end, "fits neither an integer of 64 bits nor a double", 1,
        true)
      assert.matches('"data":{"n": 1.00, "big": 1000000', json.encode(strange), 1, true)
      local decoded = json.decode(json.encode { event, json.array { event } })
      assert.equal(event.offset, decoded[2][1].offset)
      assert.equal(event.created_at, decoded[1].created_at)
      assert.equal(json.null, json.decode(json.encode(conn:get_events(id, "Order")())).previous_id)
    end)

    it("gives its time in UTC, whatever the session's time zone", function()
      conn:exec("set timezone = 'Asia/Kolkata'")
      local stored = conn:get_last_event(id, "Order")
      local text = conn:exec([[select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as t
        from fstore.events where "offset" = $1]], stored.offset)[1].t
      assert.equal(text, stored.created_at)
      assert.equal(text, event.created_at)
      conn:exec("reset timezone")
    end)

    it("formats any time as the server does", function()
      conn:exec([[create schema times; create function times.get_events(uuid, text, bigint, int)
        returns setof fstore.events language sql as $$ select 'e', $1, 1::bigint, 'd', $1, '{}'::jsonb, $1, null::uuid,
          false, t::timestamptz, 1::bigint
        from unnest(array['2000-01-01 00:00Z', '1999-12-31 23:59:59.999999Z', '2000-02-29 12:00Z', '2000-03-01 00:00Z',
          '1900-02-28 23:00Z', '1900-03-01 00:00Z', '2024-02-29 00:00:00.000001Z', '2100-12-31 23:59:59Z',
          '0001-01-01 00:00Z', '9999-12-31 00:00Z', '1582-10-15 00:00Z', 'infinity',
          '-infinity']::timestamptz[]) t $$]])
      local other <close> = fixture.connect { schema = "times" }
      local expected = { "2000-01-01T00:00:00.000000Z", "1999-12-31T23:59:59.999999Z", "2000-02-29T12:00:00.000000Z",
        "2000-03-01T00:00:00.000000Z", "1900-02-28T23:00:00.000000Z", "1900-03-01T00:00:00.000000Z",
        "2024-02-29T00:00:00.000001Z", "2100-12-31T23:59:59.000000Z", "0001-01-01T00:00:00.000000Z",
        "9999-12-31T00:00:00.000000Z", "1582-10-15T00:00:00.000000Z", "infinity", "-infinity" }
      local found = {}
      for strange in other:get_events(id, "Order") do found[#found + 1] = strange.created_at end
      assert.same(expected, found)
      conn:exec("drop schema times cascade")
    end)
  end)
end)
