local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local uuid = core.uuid

describe("views", function()
  local conn, view
  local made = 0

  setup(function()
    conn = fixture.connect()
    for _ = 1, 3 do assert(conn:append_events(fixture.items(uuid.v4(), 2))) end
  end)
  teardown(function() conn:close() end)
  before_each(function()
    made = made + 1
    view = "view_" .. made
    assert(conn:register_view { view = view, start_at = "-infinity", lock_timeout_s = 60 })
  end)

  local function lease(options) return assert(conn:lease_events(view, options)) end

  it("register_decider_event refuses to register twice", function()
    assert.is_true(conn:register_decider_event("Cart", "Filled", "with something", 3))
    assert.equal("constraint", select(2, conn:register_decider_event("Cart", "Filled", "again", 3)).kind)
    assert.has_error(function() conn:register_decider_event("Cart", "Filled") end)
  end)

  it("register_view returns the view", function()
    local row = assert(conn:register_view { view = "full", start_at = "2020-01-01 00:00Z", lock_timeout_s = 7,
      pooling_delay_s = 8, edge_function_url = "http://x" })
    assert.equal("full", row.view)
    assert.equal(7, row.lock_timeout_s)
    assert.equal(8, row.pooling_delay_s)
    assert.equal("http://x", row.edge_function_url)
    assert.equal(300, conn:register_view({ view = "plain" }).lock_timeout_s)
    assert.equal("invalid", select(2, conn:register_view { view = "bad", start_at = "some day" }).kind)
    assert.error_matches(function() conn:register_view { name = "x" } end, "name: unknown key", 1, true)
    assert.error_matches(function() conn:register_view {} end, "view: string expected, got nothing", 1, true)
    assert.error_matches(function() conn:register_view { view = "x", lock_timeout_s = 1.5 } end,
      "lock_timeout_s: integer expected", 1, true)
  end)

  it("stream_events leases one event per partition", function()
    local events = assert(conn:stream_events(view, { limit = 2, seconds = 30 }))
    assert.equal(2, #events)
    assert.not_equal(events[1].decider_id, events[2].decider_id)
    assert.is_nil(events[1].token)
    assert.equal(1, #conn:stream_events(view))
    assert.error_matches(function() conn:stream_events(view, { size = 1 }) end, "size: unknown key", 1, true)
    assert.error_matches(function() conn:stream_events(view, { limit = 1 << 40 }) end, "limit: out of range", 1, true)
  end)

  it("ack_event, nack_event and schedule_nack_event give a lease back", function()
    local event = assert(conn:stream_events(view))[1]
    local lock = assert(conn:ack_event(view, event.decider_id, event.offset))
    assert.equal(event.decider_id, lock.decider_id)
    assert.equal(event.offset, lock.last_offset)
    assert.equal(view, assert(conn:nack_event(view, event.decider_id)).view)
    assert.equal(view, assert(conn:schedule_nack_event(view, event.decider_id, 1000)).view)
    assert.is_nil(conn:ack_event(view, uuid.v4(), 1))
    assert.is_nil(conn:nack_event("nowhere", event.decider_id))
    assert.has_error(function() conn:ack_event(view, event.decider_id) end)
    assert.has_error(function() conn:nack_event(view, "x") end)
    assert.has_error(function() conn:schedule_nack_event(view, event.decider_id, "soon") end)
  end)

  it("lease_events gives tokens, and ack_events takes the events back", function()
    local events = lease()
    assert.is_true(#events > 0)
    assert.equal("integer", math.type(events[1].token))
    assert.equal(1, events[1].attempts)
    local names = {}
    for name in pairs(events[1]) do names[name] = true end
    assert.is_true(names.token and names.attempts)
    assert.matches('"token":%d+,"attempts":1}$', core.json.encode(events[1]))
    local accepted = assert(conn:ack_events(view, events))
    assert.is_true(accepted > 0)
    assert.equal(0, conn:ack_events(view, {}))
  end)

  it("a token that is not the lease's is refused", function()
    local event = lease({ limit = 1 })[1]
    local ack = { decider_id = event.decider_id, offset = event.offset, token = event.token + 99 }
    assert.equal(0, assert(conn:ack_events(view, { ack })))
    ack.token = event.token
    assert.equal(1, assert(conn:ack_events(view, { ack })))
  end)

  it("nack_events gives leases back, with a delay and an error if told so", function()
    local events = lease { limit = 2 }
    assert.equal(2, #events)
    local first = { decider_id = events[1].decider_id, token = events[1].token, milliseconds = 60000, error = "böse" }
    local accepted = assert(conn:nack_events(view, { first }))
    assert.equal(1, accepted)
    local again = lease { limit = 100 }
    for _, event in ipairs(again) do assert.not_equal(first.decider_id, event.decider_id) end
    assert.is_true(conn:nack_events(view, again) > 0)
  end)

  it("names the lease and the key that is wrong", function()
    local good = { decider_id = uuid.v4(), offset = 1, token = 1 }
    for message, bad in pairs {
      ["item 2: event or table expected"] = 1,
      ["item 2: decider_id: UUID expected, got nothing"] = {},
      ["item 2: offset: integer expected, got nothing"] = { decider_id = uuid.v4() },
      ["item 2: token: integer expected, got string"] = { decider_id = uuid.v4(), offset = 1, token = "1" },
      ["item 2: milliseconds: unknown key"] = { milliseconds = 1 },
    } do
      assert.error_matches(function() conn:ack_events(view, { good, bad }) end, message, 1, true)
    end
    assert.error_matches(function() conn:nack_events(view, { { decider_id = uuid.v4(), error = "\0" } }) end,
      "item 1: error: NUL at byte 1", 1, true)
    assert.error_matches(function() conn:nack_events(view, { good }) end, "item 1: offset: unknown key", 1, true)
  end)

  it("an unknown view is an empty one or an error, never a crash", function()
    local events, err = conn:lease_events("nowhere")
    assert.is_true(err ~= nil or #events == 0)
  end)
end)
