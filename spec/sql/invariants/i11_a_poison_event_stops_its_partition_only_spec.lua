local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I11: a poison event stops its own partition only", function()
  local client = store.shared()
  local views = 0
  local view, poison, good, consumer

  before_each(function()
    views, poison, good, consumer = views + 1, uuid(), uuid(), client()
    view = "v" .. views
    assert(consumer:call("register_view", view, "infinity"))
    consumer:append_chain(poison, 3)
    consumer:append_chain(good, 3)
  end)

  local function lock()
    return consumer:query("SELECT * FROM locks WHERE view = $1 AND decider_id = $2", view, poison)[1]
  end

  local function lease_one()
    for _, event in ipairs(consumer:lease(view, 2, 0)) do
      if event.decider_id == poison then return event end
    end
  end

  it("the others go on while it is nacked again and again", function()
    local handled = 0
    for _ = 1, 3 do
      for _, event in ipairs(consumer:lease(view, 2)) do
        if event.decider_id == poison then
          assert.equal(1, #consumer:call("nack_events", view, { poison }, { event.token }, { 0 }, { "poisoned" }))
        else
          handled = handled + 1
          assert.is_true(consumer:ack(view, event))
        end
      end
    end
    assert.equal(3, handled)
    assert.same({ 3, "poisoned" }, { lock().attempts, lock().last_error })
  end)

  it("attempts are counted when the lease is taken: by those too who die of it", function()
    for attempt = 1, 3 do
      local victim = client()
      local attempts
      for _, event in ipairs(victim:lease(view, 2, 0)) do
        if event.decider_id == poison then attempts = event.attempts end
      end
      assert.equal(attempt, attempts)
      victim:close()
    end
    assert.equal(3, lock().attempts)
  end)

  it("progress ends the count and forgets the error", function()
    local first = lease_one()
    consumer:call("nack_events", view, { poison }, { first.token }, { 0 }, { "once" })
    local again = lease_one()
    assert.equal(2, again.attempts)
    assert.is_true(consumer:ack(view, again))
    assert.same({ 0 }, { lock().attempts, lock().last_error })
    assert.equal(1, lease_one().attempts)
  end)

  it("a parked partition is leased to nobody, and is resumed in order", function()
    local event = lease_one()
    local parked = consumer:call("park_events", view, { poison }, { event.token }, { "too often" })
    assert.same({ 1, "too often" }, { #parked, parked[1].last_error })
    assert.equal(1, consumer:query("SELECT * FROM view_status($1)", view)[1].parked_partitions)
    assert.is_false(consumer:ack(view, event)) -- its lease ended with that
    assert.is_nil(lease_one())
    local last = consumer:call("get_last_event", poison, "Order")[1]
    assert(consumer:append { decider_id = poison, previous_id = last.event_id })
    assert.is_nil(lease_one())
    assert.equal(1, #consumer:call("resume_events", view, { poison }))
    local offsets = {}
    for _, row in ipairs(consumer:lease(view)) do
      if row.decider_id == poison then offsets[#offsets + 1] = row.offset end
    end
    assert.same({ event.offset, event.offset + 1, event.offset + 2, last.offset + 4 }, offsets)
  end)

  it("only the holder of the lease can park by token", function()
    local event = lease_one()
    lease_one()
    assert.same({}, consumer:call("park_events", view, { poison }, { event.token }, { "late" }))
    assert.is_nil(lock().parked_at)
  end)

  it("a resumed partition may skip the event it stopped at", function()
    local event = lease_one()
    consumer:call("park_events", view, { poison })
    assert.equal(1, #consumer:call("resume_events", view, { poison }, true))
    assert.equal(event.offset + 1, lease_one().offset)
  end)
end)
