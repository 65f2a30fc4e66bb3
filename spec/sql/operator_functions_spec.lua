-- What an operator does to views: park, resume, replay, extend; and how far the log is complete.
local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("the operator's functions", function()
  local client = store.shared()
  local views = 0
  local view, id, consumer, operator

  before_each(function()
    views, id, consumer, operator = views + 1, uuid(), client(), client()
    view = "v" .. views
    assert(operator:call("register_view", view, "infinity"))
  end)

  local function offsets(rows)
    local list = {}
    for index, row in ipairs(rows) do
      list[index] = row.offset
    end
    return list
  end

  local function lock(of)
    return operator:query([[SELECT *, locked_until > now() AS is_leased, parked_at IS NOT NULL AS is_parked
      FROM locks WHERE view = $1 AND decider_id = $2]], view, of or id)[1]
  end

  local function status()
    return operator:call("view_status", view)[1]
  end

  -- An append to a partition that has drawn its offset and stands still, in a transaction. `go_on` lets it end its
  -- statement.
  local function stalled_append(partition)
    local obstacle, appender, event_id = client(), client(), uuid()
    local last = operator:call("get_last_event", partition, "Order")[1]
    obstacle:query("BEGIN")
    assert(obstacle:append { decider_id = uuid(), event_id = event_id })
    appender:query("BEGIN")
    local append = appender:start_append {
      decider_id = partition, event_id = event_id, previous_id = last and last.event_id,
    }
    assert.equal("waits", append:settle())
    return appender, function()
      obstacle:query("ROLLBACK")
      return assert(append:result())[1].offset
    end
  end

  describe("park_events", function()
    it("sets a partition aside, and no other", function()
      local other = uuid()
      operator:append_chain(id, 2)
      local rest = offsets(operator:append_chain(other, 2))
      local parked = assert(operator:call("park_events", view, { id }, nil, { "no good" }))
      assert.same({ id, "no good" }, { parked[1].decider_id, parked[1].last_error })
      assert.same(rest, offsets(consumer:lease(view)))
      assert.same({ 1, 2, 1 }, { status().pending_partitions, status().pending_events, status().parked_partitions })
    end)

    it("ends the lease on it: its holder can neither ack, nack nor extend", function()
      operator:append_chain(id, 2)
      local leased = consumer:lease(view)
      assert.equal(1, #operator:call("park_events", view, { id }))
      local before = lock()
      assert.is_false(consumer:ack(view, leased[2]))
      assert.same({}, consumer:call("nack_event", view, id, leased[1].token))
      assert.same({}, consumer:call("extend_leases", view, { id }, { leased[1].token }))
      assert.same(before, lock())
    end)

    it("by token parks for the holder only, once", function()
      operator:append_chain(id, 1)
      local late = consumer:lease(view, 100, 0)[1]
      local leased = consumer:lease(view)[1]
      assert.same({}, consumer:call("park_events", view, { id }, { late.token }, { "late" }))
      local parked = consumer:call("park_events", view, { id }, { leased.token }, { "poison" })[1]
      assert.same({ "poison", 2 }, { parked.last_error, parked.attempts })
      assert.same({}, operator:call("park_events", view, { id }, nil, { "again" }))
      assert.equal("poison", lock().last_error)
    end)

    it("keeps the last error when it is given none", function()
      operator:append_chain(id, 1)
      local leased = consumer:lease(view)[1]
      consumer:call("nack_events", view, { id }, { leased.token }, { 0 }, { "a wheel came off" })
      operator:call("park_events", view, { id })
      assert.equal("a wheel came off", lock().last_error)
    end)

    it("waits for a holder that is about to commit, whose progress counts", function()
      operator:append_chain(id, 2)
      local leased = consumer:lease(view)
      consumer:query("BEGIN")
      assert.is_true(consumer:ack(view, leased[1]))
      local park = operator:start_call("park_events", view, { id })
      assert.equal("waits", park:settle())
      consumer:query("COMMIT")
      assert.equal(leased[1].offset, assert(park:result())[1].last_offset)
    end)
  end)

  describe("resume_events", function()
    it("goes on where the partition stopped, in order, with what came meanwhile", function()
      local rows = operator:append_chain(id, 2)
      operator:call("park_events", view, { id })
      rows[3] = assert(operator:append { decider_id = id, previous_id = rows[2].event_id })
      assert.same({}, consumer:lease(view))
      local resumed = assert(operator:call("resume_events", view, { id }))[1]
      assert.same({ 0, nil }, { resumed.attempts, resumed.last_error })
      assert.same(offsets(rows), offsets(consumer:lease(view)))
    end)

    it("skips the event that it stopped at, and that one only", function()
      local rows = offsets(operator:append_chain(id, 3))
      operator:call("park_events", view, { id })
      assert.equal(rows[1], operator:call("resume_events", view, { id }, true)[1].last_offset)
      assert.same({ rows[2], rows[3] }, offsets(consumer:lease(view)))
    end)

    it("skips nothing where nothing is pending", function()
      local rows = operator:append_chain(id, 1)
      consumer:consume(view)
      operator:call("park_events", view, { id })
      assert.equal(rows[1].offset, operator:call("resume_events", view, { id }, true)[1].last_offset)
      local new = assert(operator:append { decider_id = id, previous_id = rows[1].event_id })
      assert.same({ new.offset }, offsets(consumer:lease(view)))
    end)

    it("I6: skips the first event, even if that commits while it waits", function()
      local appender, go_on = stalled_append(id)
      local later = assert(operator:append { decider = "Parcel", decider_id = id })
      operator:call("park_events", view, { id })
      local first = go_on()
      assert.is_true(first < later.offset)
      local resume = operator:start_call("resume_events", view, { id }, true)
      assert.equal("waits", resume:settle())
      appender:query("COMMIT")
      assert.equal(first, assert(resume:result())[1].last_offset)
      assert.same({ later.offset }, offsets(consumer:lease(view)))
    end)

    it("takes all, or some, of what is parked; the rest stays as it is", function()
      local ids = { uuid(), uuid(), uuid() }
      for _, each in ipairs(ids) do
        operator:append_chain(each, 1)
      end
      operator:call("park_events", view, ids)
      operator:append_chain(id, 1)
      local leased = consumer:lease(view)[1]
      assert.equal(1, #operator:call("resume_events", view, { ids[2], id }))
      assert.same({ true, false, true }, { lock(ids[1]).is_parked, lock(ids[2]).is_parked, lock(ids[3]).is_parked })
      assert.equal(2, #operator:call("resume_events", view))
      assert.is_true(consumer:ack(view, leased)) -- it was not parked: its lease holds
    end)

    it("wakes the consumers that wait", function()
      operator:append_chain(id, 1)
      operator:call("park_events", view, { id })
      local waiting = assert(core.connect(operator.conninfo))
      assert(waiting:exec("SELECT fstore.arm_wake_up()"))
      operator:call("resume_events", view)
      assert.is_true(waiting:wait(5000))
      waiting:close()
    end)
  end)

  describe("parked_events", function()
    it("tells the event that a partition stopped at, and why", function()
      local rows = operator:append_chain(id, 2)
      local leased = consumer:lease(view, 100, 0)
      assert.is_true(consumer:ack(view, leased[1]))
      leased = consumer:lease(view)
      consumer:call("park_events", view, { id }, { leased[1].token }, { "no good" })
      local parked = operator:call("parked_events", view)[1]
      assert.same({ id, 1, rows[2].offset, "Order", "Placed", rows[2].event_id, "no good" }, {
        parked.decider_id, parked.attempts, parked.offset, parked.decider, parked.event, parked.event_id,
        parked.last_error })
    end)

    it("has a row for a partition with nothing pending, and of all views", function()
      operator:append_chain(id, 1)
      consumer:consume(view)
      operator:call("park_events", view, { id })
      local found
      for _, row in ipairs(operator:call("parked_events")) do
        found = row.view == view and row or found
      end
      assert.same({ id, nil }, { found.decider_id, found.offset })
    end)
  end)

  describe("extend_leases", function()
    it("makes a lease last longer, for its holder", function()
      operator:append_chain(id, 2)
      local leased = consumer:lease(view, 100, 0)
      assert.is_false(lock().is_leased)
      assert.equal(1, #consumer:call("extend_leases", view, { id, uuid() }, { leased[1].token, 1 }, 60))
      assert.is_true(lock().is_leased)
      assert.same({}, client():lease(view))
      assert.is_true(consumer:ack(view, leased[2]))
      assert.same({}, consumer:call("extend_leases", view, { id }, { leased[1].token }))
      assert.is_false(lock().is_leased)
    end)

    it("does nothing for who has lost it", function()
      operator:append_chain(id, 1)
      local old = consumer:lease(view, 100, 0)[1]
      client():lease(view)
      local before = lock()
      assert.same({}, consumer:call("extend_leases", view, { id }, { old.token }, 0))
      assert.same(before, lock())
    end)

    it("takes the view's own time by default", function()
      operator:append_chain(id, 1)
      local leased = consumer:lease(view, 100, 0)[1]
      consumer:call("extend_leases", view, { id }, { leased.token })
      assert.equal(300, operator:value([[SELECT extract(epoch FROM locked_until - updated_at)::int FROM locks
        WHERE view = $1 AND decider_id = $2]], view, id))
    end)
  end)

  describe("replay_view", function()
    -- Three partitions: two orders, and one that an order and a parcel share. All is handled.
    local ids, rows, first

    before_each(function()
      ids, rows = { id, uuid(), uuid() }, {}
      for index, each in ipairs(ids) do
        rows[index] = offsets(operator:append_chain(each, index))
      end
      rows[3][4] = assert(operator:append { decider = "Parcel", decider_id = ids[3] }).offset
      first = rows[1][1]
      assert.equal(7, #consumer:consume(view))
    end)

    -- By a consumer that has not seen the queue yet: one that has may look at its front with a delay.
    local function again()
      local list = client():consume(view)
      table.sort(list)
      return list
    end

    local function plan(...)
      local list = {}
      for _, row in ipairs(operator:call("replay_positions", view, ...)) do
        list[row.decider_id] = { row.from_offset, row.events }
      end
      return list
    end

    -- `infinity` is where these views start: it covers nothing, but all that comes later.
    it("goes back to an offset, and does what its plan says", function()
      assert.same({ [ids[3]] = { rows[3][3] - 1, 2 } }, plan(nil, rows[3][3]))
      local moved = operator:call("replay_view", view, nil, rows[3][3])
      assert.same({ 1, ids[3] }, { #moved, moved[1].decider_id })
      assert.same({ rows[3][3], rows[3][4] }, again())
    end)

    it("goes back to where the view starts, not to what came before", function()
      local old = "before" .. view
      assert(operator:call("register_view", old, "infinity"))
      assert.same({}, operator:call("replay_positions", old))
      assert.same({}, operator:call("replay_view", old))
      assert.equal(3, #operator:call("replay_view", old, nil, first)) -- asked for, it does
      local started = "since" .. view
      local start = operator:value('SELECT created_at::text FROM events WHERE "offset" = $1', rows[2][1])
      assert(operator:call("register_view", started, start))
      assert.equal(6, #client():consume(started))
      assert.equal(2, #operator:call("replay_view", started))
      assert.equal(6, #client():consume(started))
    end)

    it("goes back to a time", function()
      local time = operator:value('SELECT created_at::text FROM events WHERE "offset" = $1', rows[3][1])
      assert.same({ [ids[3]] = { rows[3][1] - 1, 4 } }, plan(time))
      operator:call("replay_view", view, time)
      assert.same(rows[3], again())
    end)

    it("takes one partition, or those of a decider from its first event on", function()
      assert.same({ [ids[2]] = { rows[2][1] - 1, 2 } }, plan(nil, first, nil, ids[2]))
      assert.same({ [ids[3]] = { rows[3][4] - 1, 1 } }, plan(nil, first, "Parcel"))
      assert.same({ [ids[3]] = { rows[3][2] - 1, 3 } }, plan(nil, rows[3][2], "Order"))
      assert.same({}, plan(nil, first, "Parcel", ids[2]))
      operator:call("replay_view", view, nil, first, "Parcel")
      assert.same({ rows[3][4] }, again())
    end)

    it("leaves alone what was not handled yet", function()
      local new = assert(operator:append { decider = "Parcel", decider_id = uuid() })
      assert.is_nil(plan(nil, first)[new.decider_id])
      local before = lock(new.decider_id)
      operator:call("replay_view", view, nil, first)
      assert.same(before, lock(new.decider_id))
      assert.equal(8, #again())
    end)

    it("ends the leases of consumers at work: they can neither ack, nack nor extend", function()
      operator:call("replay_view", view, nil, first, nil, ids[3])
      consumer = client()
      local leased = consumer:lease(view)
      assert.is_true(consumer:ack(view, leased[1]))
      operator:call("replay_view", view, nil, first, nil, ids[3])
      local before = lock(ids[3])
      assert.is_false(consumer:ack(view, leased[4]))
      assert.same({}, consumer:call("nack_event", view, ids[3], leased[4].token))
      assert.same({}, consumer:call("extend_leases", view, { ids[3] }, { leased[4].token }))
      assert.same(before, lock(ids[3]))
      assert.same(rows[3], again())
    end)

    it("waits for a consumer that is about to commit, and takes its events back as well", function()
      operator:call("replay_view", view, nil, rows[3][3])
      consumer = client()
      local leased = consumer:lease(view)
      consumer:query("BEGIN")
      assert.is_true(consumer:ack(view, leased[2]))
      local replay = operator:start_call("replay_view", view, nil, first, nil, ids[3])
      assert.equal("waits", replay:settle())
      consumer:query("COMMIT")
      assert.equal(rows[3][1] - 1, assert(replay:result())[1].last_offset)
      assert.same(rows[3], again())
    end)

    it("I6: an event that commits behind what was handled, while it waits, comes in its place", function()
      local appender, go_on = stalled_append(ids[3])
      local later = offsets { assert(operator:append { decider = "Parcel", event = "Sent", decider_id = ids[3],
        previous_id = operator:call("get_last_event", ids[3], "Parcel")[1].event_id }) }[1]
      local early = go_on()
      local replay = operator:start_call("replay_view", view, nil, first, nil, ids[3])
      assert.equal("waits", replay:settle())
      appender:query("COMMIT")
      assert(replay:result())
      assert.same({ rows[3][1], rows[3][2], rows[3][3], rows[3][4], early, later }, again())
    end)

    it("keeps parked what is parked, with its error", function()
      operator:call("park_events", view, { ids[2] }, nil, { "no good" })
      local parked
      for _, row in ipairs(operator:call("replay_positions", view, nil, first)) do
        parked = row.is_parked and row.decider_id or parked
      end
      assert.equal(ids[2], parked)
      operator:call("replay_view", view, nil, first)
      assert.equal("no good", lock(ids[2]).last_error)
      assert.equal(5, #again())
      operator:call("resume_events", view, { ids[2] })
      assert.same(rows[2], again())
    end)

    it("does not wait for appends to other partitions, nor hold them up", function()
      local appender = client()
      appender:query("BEGIN")
      assert(appender:append { decider_id = uuid() })
      operator:query("BEGIN")
      assert.equal(3, #operator:call("replay_view", view, nil, first))
      assert(client():append { decider_id = uuid() })
      operator:query("COMMIT")
      appender:query("COMMIT")
      assert.equal(9, #again())
    end)

    it("changes nothing when it is rolled back", function()
      operator:query("BEGIN")
      operator:call("replay_view", view, nil, first)
      operator:query("ROLLBACK")
      assert.same({}, again())
    end)

    it("counts how much of it is still to come", function()
      operator:call("replay_view", view, nil, first)
      local new = assert(operator:append { decider_id = uuid() })
      assert.equal(7, operator:value("SELECT pending_events($1, $2)", view, rows[3][4]))
      assert.equal(8, operator:value("SELECT pending_events($1, $2)", view, new.offset))
      assert.equal(2, operator:value("SELECT pending_events($1, $2, $3)", view, new.offset, ids[2]))
      operator:call("park_events", view, { ids[2] })
      assert.equal(5, operator:value("SELECT pending_events($1, $2)", view, rows[3][4]))
    end)
  end)

  describe("log_horizon", function()
    local function horizon()
      local row = operator:query('SELECT "offset", cardinality(in_flight) AS in_flight FROM log_horizon()')[1]
      return row.offset, row.in_flight
    end

    it("is the last event when nothing is in flight", function()
      local rows = operator:append_chain(id, 3)
      assert.same({ rows[3].offset, 0 }, { horizon() })
    end)

    it("covers offsets that are drawn, and counts who may still commit them", function()
      local appender, go_on = stalled_append(id)
      local later = assert(client():append { decider_id = uuid() })
      assert.same({ later.offset, 2 }, { horizon() })
      go_on()
      assert.same({ later.offset, 1 }, { horizon() })
      appender:query("ROLLBACK")
      assert.same({ later.offset, 0 }, { horizon() })
    end)

    it("is 0 in a store without events", function()
      local empty <close> = store.open()
      local row = empty:client():query('SELECT "offset" FROM log_horizon()')[1]
      assert.equal(0, row.offset)
    end)
  end)
end)
