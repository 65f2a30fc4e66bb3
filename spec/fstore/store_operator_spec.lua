-- The store's methods for consumers at work and for operators: extend, park, resume, replay.
local core = require "fstore.core"
local database = require "spec.support.database"
local fstore = require "fstore"

describe("the store's operator methods", function()
  local db, store
  setup(function()
    db = database.fresh()
    local first <close> = assert(fstore.connect(db))
    assert(first:register_decider_event("Order", "Placed", "a customer placed an order"))
  end)
  before_each(function()
    store = assert(fstore.connect(db))
    assert(store:exec("DELETE FROM fstore.views"))
    assert(store:register_view { view = "orders" })
  end)
  after_each(function()
    store:close()
  end)

  -- Appends an event each to so many new partitions.
  local function append(count)
    local list = {}
    for index = 1, count do
      list[index] = {
        decider = "Order", decider_id = core.uuid.v4(), event = "Placed", data = {}, command_id = core.uuid.v4(),
      }
    end
    return assert(store:append_events(list))
  end

  local function handle_all()
    for _, event in ipairs(assert(store:lease_events("orders", { limit = 10000 }))) do
      assert(store:ack_events("orders", { event }))
    end
  end

  it("extends the leases that the caller still holds", function()
    append(2)
    local leased = assert(store:lease_events("orders"))
    local other = { decider_id = leased[2].decider_id, token = leased[2].token + 1 }
    local held = assert(store:extend_leases("orders", { leased[1], other }, 60))
    assert.same({ 1, leased[1].decider_id }, { #held, held[1].decider_id })
    assert.equal(2, #assert(store:extend_leases("orders", leased)))
  end)

  it("parks, lists and resumes", function()
    local events = append(2)
    local leased = assert(store:lease_events("orders"))
    local parked = assert(store:park_events("orders", {
      { decider_id = leased[1].decider_id, token = leased[1].token, error = "no good" },
      { decider_id = leased[2].decider_id },
    }))
    assert.equal(2, #parked)
    local row = assert(store:parked_events("orders"))[1]
    assert.matches("^20%d%d%-%d%d%-%d%dT[%d:]+%.%d+Z$", row.parked_at)
    assert.equal(0, #assert(store:parked_events("nobody")))
    assert.equal(1, #assert(store:resume_events("orders", { events[1].decider_id }, { skip = true })))
    assert.equal(0, #assert(store:resume_events("orders", {})))
    assert.equal(1, #assert(store:resume_events("orders")))
    assert.same({ 1, events[2].offset }, (function(list) return { #list, list[1].offset } end)(
      assert(store:lease_events("orders"))))
  end)

  it("plans a replay and does it, chunk by chunk", function()
    local events = append(2100)
    assert(store:exec([[UPDATE fstore.locks SET last_offset = "offset", leased_offset = "offset"]]))
    local first, last = events[1].offset, events[#events].offset
    assert.same({ partitions = 2100, events = 2100, parked = 0 }, store:replay_plan("orders", { from_offset = first }))
    assert.same({ partitions = 2100, until_offset = last }, store:replay_view("orders", { from_offset = first }))
    assert.equal(2100, store:pending_events("orders", last))
    assert.equal(1, store:pending_events("orders", last, events[7].decider_id))
    assert.same({ partitions = 0, events = 0, parked = 0 }, store:replay_plan("orders"))
    assert.same({ partitions = 0, until_offset = 0 }, store:replay_view("orders"))
  end)

  it("replays as a part of a transaction, or not at all", function()
    local events = append(1)
    handle_all()
    local replay = { decider_id = events[1].decider_id, decider = "Order", from_time = "-infinity" }
    assert.is_nil(store:transaction(function(tx)
      assert.equal(1, assert(tx:replay_view("orders", replay)).partitions)
      return nil, "changed my mind"
    end))
    assert.equal(0, store:pending_events("orders", events[1].offset))
    assert(store:transaction(function(tx) return tx:replay_view("orders", replay) end))
    assert.equal(1, store:pending_events("orders", events[1].offset))
  end)

  it("knows how far the log is complete", function()
    local events = append(1)
    assert.same({ offset = events[1].offset, in_flight = {} }, store:log_horizon())
    local other <close> = assert(fstore.connect(db))
    other:transaction(function(tx)
      assert(tx:exec("LOCK TABLE fstore.events IN ROW EXCLUSIVE MODE"))
      assert.equal(1, #store:log_horizon().in_flight)
    end)
  end)

  it("raises on options that it does not know", function()
    for _, name in ipairs { "replay_plan", "replay_view" } do
      assert.has_error(function() store[name](store, "orders", { since = 1 }) end,
        ('store:%s: unknown option "since"'):format(name))
    end
    assert.has_error(function() store:resume_events("orders", nil, { skp = true }) end,
      'store:resume_events: unknown option "skp"')
  end)
end)
