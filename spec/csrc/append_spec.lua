local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local item, items, json, uuid = fixture.item, fixture.items, core.json, core.uuid

describe("append_events", function()
  local conn, id

  setup(function() conn = fixture.connect() end)
  teardown(function() conn:close() end)
  before_each(function() id = uuid.v4() end)

  local function refused(kind, ...)
    local none, err = conn:append_events { ... }
    assert.is_nil(none)
    assert.equal(kind, err.kind)
    return err
  end

  it("stores one event and returns it whole", function()
    local command_id = uuid.v4()
    local given = item(id:upper(), { command_id = command_id, data = { b = { 1, 2 }, a = "ä" } })
    local event = assert(conn:append_events { given })[1]
    assert.equal("Placed", event.event)
    assert.equal("Order", event.decider)
    assert.equal(id, event.decider_id)
    assert.equal(command_id, event.command_id)
    assert.matches("%-7%x%x%x%-", event.event_id)
    assert.equal(1, event.event_version)
    assert.is_nil(event.previous_id)
    assert.is_false(event.final)
    assert.equal('{"a":"ä","b":[1,2]}', event.raw_data)
    local stored = assert(conn:get_last_event(id, "Order"))
    for _, field in ipairs { "event_id", "offset", "created_at", "command_id", "decider_id" } do
      assert.equal(stored[field], event[field])
    end
    assert.same(stored.data, event.data)
  end)

  it("stores many in order, each chained to the one before of its stream", function()
    local other = uuid.v4()
    local events = assert(conn:append_events { item(id), item(other), item(id:upper()), item(other), item(id) })
    assert.is_nil(events[1].previous_id)
    assert.is_nil(events[2].previous_id)
    assert.equal(events[1].event_id, events[3].previous_id)
    assert.equal(events[2].event_id, events[4].previous_id)
    assert.equal(events[3].event_id, events[5].previous_id)
    for i = 2, 5 do assert.is_true(events[i].offset > events[i - 1].offset) end
  end)

  it("tells streams of equal id apart by the decider", function()
    conn:register_decider_event("Parcel", "Placed", "the same id, another decider")
    local events = assert(conn:append_events { item(id), item(id, { decider = "Parcel" }), item(id) })
    assert.is_nil(events[2].previous_id)
    assert.equal(events[1].event_id, events[3].previous_id)
  end)

  it("uses what is given", function()
    local first = assert(conn:append_events { item(id) })[1]
    local event_id = uuid.v4()
    local event = assert(conn:append_events { item(id, { event = "Shipped", event_version = 2,
      event_id = event_id:upper(), previous_id = first.event_id, final = true }) })[1]
    assert.equal(event_id, event.event_id)
    assert.equal(first.event_id, event.previous_id)
    assert.equal(2, event.event_version)
    assert.is_true(event.final)
    local stored = conn:get_last_event(id, "Order")
    assert.equal("Shipped", stored.event)
    assert.is_true(stored.final)
    refused("final", item(id, { previous_id = event_id }))
  end)

  it("is refused by the store's rules", function()
    local events = assert(conn:append_events(items(id, 2)))
    local err = refused("conflict", item(id))
    assert.equal("FS001", err.sqlstate)
    refused("conflict", item(id, { previous_id = events[1].event_id }))
    refused("conflict", item(id, { previous_id = events[1].event_id }), item(id))
    refused("unknown_event", item(uuid.v4(), { event = "Nonsense" }))
    refused("unknown_event", item(uuid.v4()), item(uuid.v4(), { event_version = 9 }))
    refused("wrong_previous", item(uuid.v4(), { previous_id = events[2].event_id }))
    refused("duplicate", item(uuid.v4(), { event_id = events[2].event_id }))
    assert.equal(events[2].event_id, conn:get_last_event(id, "Order").event_id)
  end)

  it("is refused in the same words inside of a transaction and outside, one event or many", function()
    local first = assert(conn:append_events { item(id) })[1]
    local head = assert(conn:append_events { item(id, { previous_id = first.event_id }) })[1]
    local other = assert(conn:append_events { item(uuid.v4(), { final = true }) })[1]
    local wrong = {
      conflict = item(id),
      ["conflict "] = item(id, { previous_id = first.event_id }),
      duplicate = item(id, { previous_id = head.event_id, event_id = first.event_id }),
      wrong_previous = item(id, { previous_id = other.event_id }),
      final = item(other.decider_id, { previous_id = other.event_id }),
      unknown_event = item(id, { previous_id = head.event_id, event = "Lost" }),
    }
    for kind, event in pairs(wrong) do
      for _, list in ipairs { { event }, { item(uuid.v4()), event } } do
        local err = refused(kind:match("%S+"), table.unpack(list))
        assert.matches("^FS", err.sqlstate)
        assert(conn:exec("BEGIN"))
        local inside = refused(kind:match("%S+"), table.unpack(list))
        assert(conn:exec("ROLLBACK"))
        for _, field in ipairs { "sqlstate", "message", "detail", "hint", "constraint" } do
          assert.equal(inside[field], err[field], kind)
        end
      end
    end
  end)

  it("stores all or none", function()
    refused("unknown_event", item(id), item(id, { event = "Nonsense" }))
    assert.is_nil(conn:get_last_event(id, "Order"))
  end)

  it("stores nothing of an empty list", function() assert.same({}, conn:append_events {}) end)

  it("keeps JSON without loss", function()
    local values = { 9007199254740993, math.mininteger, 0.1, 1e22, 1e300, 5e-324, 3.0, true, "NUL-less \1 text",
      json.null, json.array {}, {}, { {}, json.array {} }, 2.0 ^ 63 }
    local list = {}
    for i, value in ipairs(values) do list[i] = item(id, { data = value }) end
    assert(conn:append_events(list))
    local i = 0
    for event in conn:get_events(id, "Order") do
      i = i + 1
      assert.equal(json.encode(values[i]), json.encode(event.data))
    end
    assert.equal(#values, i)
  end)

  it("keeps events without data, and falsehood as data", function()
    assert.equal(false, assert(conn:append_events { item(id, { data = false }) })[1].data)
    assert.equal(false, conn:get_last_event(id, "Order").data)
    assert.equal(json.null, assert(conn:append_events { item(uuid.v4(), { data = json.null }) })[1].data)
  end)

  it("stores large data", function()
    local text = ("0123456789"):rep(200000)
    assert(conn:append_events { item(id, { data = { text = text } }), item(id, { data = { text = text .. "!" } }) })
    assert.equal(text .. "!", conn:get_last_event(id, "Order").data.text)
  end)

  it("stores a thousand at once", function()
    local events = assert(conn:append_events(items(id, 1000)))
    assert.equal(1000, #events)
    assert.equal(events[999].event_id, events[1000].previous_id)
  end)

  it("names the item and the key that is wrong", function()
    for message, fields in pairs {
      ["item 2: event: string expected, got number"] = { event = 1 },
      ["item 2: decider: NUL at byte 3"] = { decider = "Or\0der" },
      ["item 2: decider: invalid UTF-8 at byte 1"] = { decider = "\255" },
      ["item 2: decider_id: UUID expected, got 'x'"] = { decider_id = "x" },
      ["item 2: decider_id: UUID expected, got boolean"] = { decider_id = true },
      ["item 2: command_id: UUID expected, got ''"] = { command_id = "" },
      ["item 2: previous_id: UUID expected, got userdata"] = { previous_id = json.null },
      ["item 2: event_id: UUID expected, got 'y'"] = { event_id = "y" },
      ["item 2: event_version: integer expected, got string"] = { event_version = "1" },
      ["item 2: final: boolean expected, got number"] = { final = 1 },
      ["item 2: data.f: function is no JSON"] = { data = { f = print } },
      ["item 2: data[2].x: NaN is no JSON"] = { data = { 1, { x = 0 / 0 } } },
      ["item 2: when: unknown key"] = { when = 1 },
      ["item 2: 1: unknown key"] = { "x" },
    } do
      assert.error_matches(function() conn:append_events { item(id), item(id, fields) } end, message, 1, true)
    end
    local missing = item(id)
    missing.data = nil
    assert.error_matches(function() conn:append_events { missing } end, "item 1: data: value expected, got nothing", 1,
      true)
    missing = setmetatable({ data = 1 }, { __index = function() return 1 end })
    assert.error_matches(function() conn:append_events { missing } end, "item 1: event: string expected, got nothing",
      1, true)
    assert.error_matches(function() conn:append_events { "x" } end, "item 1: table expected", 1, true)
    assert.has_error(function() conn:append_events("x") end)
    assert.is_nil(conn:get_last_event(id, "Order"))
  end)

  it("leaves a NUL in JSON to the server's judgement", function()
    assert.equal("22P05", refused("invalid", item(id, { data = { s = "a\0b" } })).sqlstate)
  end)
end)
