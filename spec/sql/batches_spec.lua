local checker = require "spec.support.sql_checker"
local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid, null = core.uuid.v4, store.null

describe("batches", function()
  local client = store.shared()
  local one
  local views = 0

  before_each(function() one, views = client(), views + 1 end)

  -- The arguments of append_events; an item is { event_id, decider_id, previous_id?, decider?, event? }.
  local function arguments(items)
    local lists = { {}, {}, {}, {}, {}, {}, {} }
    for i, item in ipairs(items) do
      local values = { item[5] or "Placed", item[1], item[4] or "Order", item[2], ('{"n": %d}'):format(i), uuid(),
        item[3] or null }
      for j, value in ipairs(values) do lists[j][i] = value end
    end
    return table.unpack(lists)
  end

  local function append(items) return one:call("append_events", arguments(items)) end

  local function count(id) return one:value("SELECT count(*) FROM events WHERE decider_id = $1", id) end

  describe("append_events", function()
    it("stores chains in several streams and returns the rows in the order given", function()
      local p, q, a, b, c, d = uuid(), uuid(), uuid(), uuid(), uuid(), uuid()
      local rows = assert(append { { a, p }, { b, q }, { c, p, a }, { d, q, b } })
      for i, event_id in ipairs { a, b, c, d } do
        assert.equal(event_id, rows[i].event_id)
        assert.equal(('{"n": %d}'):format(i), rows[i].data)
        assert.is_true(i == 1 or rows[i].offset > rows[i - 1].offset)
      end
      assert.same({}, checker.verify(one))
    end)

    it("stores all or nothing", function()
      local p, q, a = uuid(), uuid(), uuid()
      local there = one:append_chain(uuid(), 2)
      for sqlstate, bad in pairs {
        FS001 = { uuid(), there[1].decider_id, there[1].event_id }, FS003 = { uuid(), q, uuid() },
        FS004 = { uuid(), q, nil, "Order", "Plaecd" }, FS006 = { there[1].event_id, q }, ["23502"] = { null, q },
      } do
        for _, items in ipairs { { { a, p }, bad }, { bad, { a, p } } } do
          local _, err = append(items)
          assert.equal(sqlstate, err.sqlstate)
          assert.equal(0, count(p) + count(q))
        end
      end
    end)

    it("stores 10,000 events in one call, in order", function()
      assert(one:call("register_view", "batch", "infinity"))
      local items, p = {}, uuid()
      for i = 1, 10000 do
        items[i] = i % 2 == 0 and { uuid(), uuid() } or { uuid(), p, i > 1 and items[i - 2][1] or nil }
      end
      local rows = assert(append(items))
      assert.equal(10000, #rows)
      for i, row in ipairs(rows) do
        assert.equal(items[i][1], row.event_id)
        assert.is_true(i == 1 or row.offset > rows[i - 1].offset)
      end
      assert.equal(5001, one:value("SELECT count(*) FROM locks WHERE view = 'batch' AND last_offset < \"offset\""))
      assert.same({}, checker.verify(one))
    end)

    it("refuses 10,000 events with one that is wrong in reasonable time", function()
      local items, p = {}, uuid()
      for i = 1, 10000 do items[i] = { uuid(), p, i > 1 and items[i - 1][1] or nil } end
      items[10000][5] = "Plaecd"
      one:query("SET statement_timeout = '30s'")
      assert.equal("FS004", select(2, append(items)).sqlstate)
      assert.equal(0, count(p))
    end)

    it("packs what grows at its right end: each page of an index is nearly full", function()
      local items, p = {}, nil
      for i = 1, 10000 do
        if i % 10 == 1 then p = core.uuid.v7() end
        items[i] = { core.uuid.v7(), p, i % 10 ~= 1 and items[i - 1][1] or nil }
      end
      local here <close> = store.open_ours() -- in the other store are ids that come after these
      local session <close> = here:client()
      assert(session:call("append_events", arguments(items)))
      -- An entry takes 28 bytes, of an offset 20; the first event of a stream has none in events_previous_id_key.
      for index, bytes in pairs {
        events_previous_id_key = 9000 * 28, events_event_id_key = 10000 * 28, events_pkey = 10000 * 20,
      } do
        -- Less the meta page and the root.
        local leaves = session:value("SELECT pg_relation_size($1::regclass) / 8192 - 2", index)
        assert.is_true(leaves - 1 <= bytes / 8192 / 0.9, ("%s: %d leaves"):format(index, leaves))
      end
    end)

    it("of nothing stores nothing", function()
      assert.same({}, one:call("append_events", {}, {}, {}, {}, {}, {}, {}))
      assert.same({}, one:call("append_events", nil, nil, nil, nil, nil, nil, nil))
    end)

    it("refuses lists of unequal lengths", function()
      local a, p = uuid(), uuid()
      for short = 1, 7 do
        local lists = { arguments { { a, p }, { uuid(), p, a } } }
        lists[short][2] = nil
        assert.is_truthy(select(2, one:call("append_events", table.unpack(lists))))
        assert.equal(0, count(p))
      end
      local lists = { arguments { { a, p } } }
      local _, err = one:call("append_events", lists[1], lists[2], lists[3], lists[4], lists[5], lists[6], lists[7],
        { 1, 1 })
      assert.is_truthy(err)
    end)

    it("takes NULL for a version and for final as their defaults", function()
      local p, a, b = uuid(), uuid(), uuid()
      local lists = { arguments { { a, p }, { b, p, a } } }
      lists[8], lists[9] = { null, null }, { null, null }
      local rows = assert(one:call("append_events", table.unpack(lists)))
      assert.same({ 1, false }, { rows[1].event_version, rows[2].final })
    end)

    it("refuses an event that is twice in the set", function()
      local a = uuid()
      local _, err = append { { a, uuid() }, { a, uuid() } }
      assert.same({ "23505", "events_event_id_key" }, { err.sqlstate, err.constraint })
    end)

    it("of two in the same moment in the same streams, one is refused and none gets stuck", function()
      local other, p, q = client(), uuid(), uuid()
      one:query("BEGIN")
      assert(append { { uuid(), p }, { uuid(), q } })
      local racing = other:start_call("append_events", arguments { { uuid(), q }, { uuid(), p } })
      assert.equal("waits", racing:settle())
      one:query("COMMIT")
      assert.equal("FS001", select(2, racing:result()).sqlstate)
      assert.same({}, checker.verify(one))
    end)
  end)

  describe("leases, acks and nacks", function()
    local view, partitions

    before_each(function()
      view, partitions = "v" .. views, {}
      assert(one:call("register_view", view, "infinity"))
      for i = 1, 5 do
        partitions[i] = uuid()
        one:append_chain(partitions[i], 3)
      end
    end)

    it("lease_events spreads its limit over partitions, and fills it from few", function()
      assert.equal(5, #one:lease(view, 5))
      one:query("UPDATE locks SET locked_until = now() WHERE view = $1", view)
      assert.equal(15, #one:lease(view, 100))
      one:query("UPDATE locks SET locked_until = now() WHERE view = $1", view)
      local rows = one:lease(view, 3)
      local ids = {}
      for _, row in ipairs(rows) do ids[row.decider_id] = true end
      assert.same({ true, true, true }, { ids[partitions[1]], ids[partitions[2]], ids[partitions[3]] })
      assert.equal(3, #rows)
    end)

    it("lease_events takes per partition what it is told", function()
      local rows = assert(one:call("lease_events", view, 5, 60, 2))
      assert.equal(10, #rows)
      local offset = 0
      for _, row in ipairs(rows) do
        assert.is_true(row.offset > offset)
        offset = row.offset
      end
    end)

    it("the longest waiting partition comes first, though others are appended to again and again", function()
      local order = {}
      for _ = 1, 5 do
        local row = one:lease(view, 1)[1]
        order[#order + 1] = row.decider_id
        one:ack(view, row)
        local last = one:call("get_last_event", row.decider_id, "Order")[1]
        assert(one:append { decider_id = row.decider_id, previous_id = last.event_id })
      end
      assert.equal(partitions[1], order[1])
      table.sort(order)
      local all = { table.unpack(partitions) }
      table.sort(all)
      assert.is_true(#all == #order)
    end)

    it("ack_events of many partitions returns those that moved", function()
      local rows = one:lease(view, 100)
      local ids, offsets, tokens = {}, {}, {}
      for i, row in ipairs(rows) do ids[i], offsets[i], tokens[i] = row.decider_id, row.offset, row.token end
      tokens[1], tokens[2], tokens[3] = 0, 0, 0 -- one event each of some partitions with a token nobody has
      local moved = assert(one:call("ack_events", view, ids, offsets, tokens))
      local seen = {}
      for _, lock in ipairs(moved) do
        assert.is_nil(seen[lock.decider_id])
        seen[lock.decider_id] = true
        assert.equal(lock.offset, lock.last_offset)
      end
      assert.is_true(#moved >= 4)
    end)

    it("ack_events ignores what is unknown, and NULLs", function()
      assert.same({}, one:call("ack_events", view, { uuid(), null, partitions[1] }, { 1, 1, null }, { 1, 1, 1 }))
      assert.same({}, one:call("ack_events", "nowhere", partitions, { 1, 1, 1, 1, 1 }, nil))
      assert.same({}, one:call("ack_events", view, {}, {}, {}))
    end)

    it("ack_events with a token too few acks nothing", function()
      local answer, err = one:call("ack_events", view, partitions, { 1, 1, 1, 1, 1 }, { 1 })
      assert.is_nil(answer)
      assert.equal("FS008", err.sqlstate)
    end)

    it("ack_events without tokens goes as far as the original's ack_event may", function()
      local heads = {}
      for i, id in ipairs(partitions) do heads[i] = one:call("get_last_event", id, "Order")[1].offset end
      assert.equal(5, #assert(one:call("ack_events", view, partitions, heads, nil)))
      assert.same({}, one:lease(view))
    end)

    it("nack_events of many partitions, each with its delay and error", function()
      local rows = assert(one:call("lease_events", view, 5, 60, 1))
      local ids, tokens, delays, errors = {}, {}, {}, {}
      for i, row in ipairs(rows) do
        ids[i], tokens[i], delays[i], errors[i] = row.decider_id, row.token, i <= 2 and 60000 or 0, "error " .. i
      end
      assert.equal(5, #assert(one:call("nack_events", view, ids, tokens, delays, errors)))
      assert.equal(5, one:value("SELECT count(*) FROM locks WHERE view = $1 AND last_error LIKE 'error _'", view))
      assert.equal(9, #one:lease(view))
    end)

    it("two batches of acks in opposite orders do not get stuck", function()
      local other = client()
      local rows = assert(one:call("lease_events", view, 5, 60, 1))
      local ids, offsets, tokens, reversed = {}, {}, {}, { {}, {}, {} }
      for i, row in ipairs(rows) do
        ids[i], offsets[i], tokens[i] = row.decider_id, row.offset, row.token
        reversed[1][6 - i], reversed[2][6 - i], reversed[3][6 - i] = row.decider_id, row.offset, row.token
      end
      one:query("BEGIN")
      assert.equal(5, #one:call("ack_events", view, ids, offsets, tokens))
      local racing = other:start_call("ack_events", view, reversed[1], reversed[2], reversed[3])
      assert.equal("waits", racing:settle())
      one:query("COMMIT")
      assert.same({}, racing:result())
    end)
  end)
end)
