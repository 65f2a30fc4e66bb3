local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("errors", function()
  local client = store.shared()
  local one, id

  before_each(function() one, id = client(), uuid() end)

  local function rejected(event)
    event.decider_id = event.decider_id or id
    return select(2, one:append(event))
  end

  it("every SQLSTATE that the store raises is in error_kinds(), and is of class FS", function()
    local kinds = {}
    for _, row in ipairs(one:query("SELECT * FROM error_kinds()")) do
      assert.matches("^FS%d%d%d$", row.sqlstate)
      assert.is_truthy(row.description)
      kinds[row.sqlstate] = row.kind
    end
    for _, row in ipairs(one:query("SELECT prosrc FROM pg_proc WHERE pronamespace = 'fstore'::regnamespace")) do
      for sqlstate in row.prosrc:gmatch("ERRCODE = '(FS%d+)'") do assert.is_truthy(kinds[sqlstate], sqlstate) end
    end
  end)

  it("a conflict names the last event with its id and offset, and says what to do", function()
    local chain = one:append_chain(id, 2)
    for _, err in ipairs { rejected {}, rejected { previous_id = chain[1].event_id } } do
      assert.equal("FS001", err.sqlstate)
      assert.equal(("The last event of Order %s is Placed %s at offset %d."):format(id, chain[2].event_id,
        chain[2].offset), err.detail)
      assert.equal("Load the stream, decide again, and name its last event as previous_id.", err.hint)
    end
  end)

  it("a wrong previous_id is named, and what is there: an empty stream or its last event", function()
    local wrong = uuid()
    local err = rejected { previous_id = wrong }
    assert.equal("FS003", err.sqlstate)
    assert.equal(("previous_id is %s. The stream Order %s has no events."):format(wrong, id), err.detail)
    local event = one:append_chain(id, 1)[1]
    err = rejected { previous_id = wrong }
    assert.equal(("previous_id is %s. The last event of Order %s is Placed %s at offset %d."):format(wrong, id,
      event.event_id, event.offset), err.detail)
    assert.matches("same decider and decider_id", err.hint, 1, true)
  end)

  it("a closed stream is named with its final event", function()
    local final = assert(one:call("append_event", "Closed", uuid(), "Order", id, "{}", uuid(), nil, 1, true))[1]
    local err = rejected { previous_id = final.event_id }
    assert.equal("FS002", err.sqlstate)
    assert.equal(("The last event of Order %s is Closed %s at offset %d."):format(id, final.event_id, final.offset),
      err.detail)
    assert.matches("another decider_id", err.hint, 1, true)
  end)

  it("an unknown name comes with the nearest registered ones", function()
    for name, hint in pairs {
      Plaecd = "Nearest registered names: \"Placed\".", shipped = "Nearest registered names: \"Shipped\".",
    } do
      local err = rejected { event = name }
      assert.equal("FS004", err.sqlstate)
      assert.equal(("The event %s version 1 is not registered for decider Order."):format(name), err.detail)
      assert.equal(hint, err.hint)
    end
    assert.equal('Nearest registered names: "Order".', rejected({ decider = "Ordr" }).hint)
    assert.equal("Register it with register_decider_event().", rejected({ decider = "Xyz", event = "Qqq" }).hint)
    assert.matches("version 7", rejected({ event_version = 7 }).detail, 1, true)
  end)

  it("a missing version says which there are", function()
    assert.equal("Registered versions: 1.", rejected({ event_version = 7 }).hint)
  end)

  it("nearest_names copes with any text", function()
    for _, name in ipairs { "", "x", "é", ("long"):rep(200), "it's" } do
      one:query("SELECT nearest_names($1, '{Placed,Shipped,x}')", name)
    end
    assert.is_nil(one:value("SELECT nearest_names('Placed', NULL)"))
  end)

  it("an event_id that is there says so, and that a repetition has succeeded", function()
    local event = one:append_chain(id, 1)[1]
    local err = rejected { decider_id = uuid(), event_id = event.event_id }
    assert.equal("FS006", err.sqlstate)
    assert.equal(("An event with event_id %s is stored already."):format(event.event_id), err.detail)
    assert.matches("repetition", err.hint, 1, true)
    assert.equal("events_event_id_key", err.constraint)
  end)

  it("a repetition of the very same append is a duplicate too", function()
    local event_id = uuid()
    assert(one:append { decider_id = id, event_id = event_id })
    assert.equal("FS006", rejected({ event_id = event_id }).sqlstate)
  end)

  it("TRUNCATE is refused with a hint", function()
    local _, err = one:try("TRUNCATE events")
    assert.same({ "FS005", "Drop the schema to give up the whole store." }, { err.sqlstate, err.hint })
  end)

  describe("the functions behind them", function()
    local as_event = [[ROW($1, $2, 1, 'Order', $3, '{}', $2, $4, false, now(), $5)::events]]

    it("check_event returns when the event can be appended, and raises what an append would", function()
      local check = "SELECT check_event(" .. as_event .. ")"
      one:query(check, "Placed", uuid(), id, nil, 1000000)
      assert.equal("FS004", select(2, one:try(check, "Plaecd", uuid(), id, nil, 1000000)).sqlstate)
      assert.equal("FS003", select(2, one:try(check, "Placed", uuid(), id, uuid(), 1000000)).sqlstate)
    end)

    it("explain_rejection returns when there is none to explain", function()
      local explain = "SELECT explain_rejection($1, $2, $3, $4, $5, $6)"
      local a, b = uuid(), uuid()
      one:query(explain, { "Placed", "Placed" }, { a, b }, { "Order", "Order" }, { id, id }, { store.null, a },
        { 1, 1 })
      local _, err = one:try(explain, { "Placed", "Plaecd" }, { a, b }, { "Order", "Order" }, { id, id },
        { store.null, a }, { 1, 1 })
      assert.equal("FS004", err.sqlstate)
    end)

    it("reject_broken returns for an event in its place, and raises for one behind another stream's", function()
      local chain = one:append_chain(id, 2)
      local reject = "SELECT reject_broken(" .. as_event .. ")"
      one:query(reject, "Placed", chain[2].event_id, id, chain[1].event_id, chain[2].offset)
      assert.equal("FS003", select(2, one:try(reject, "Placed", uuid(), id, uuid(), 1000000)).sqlstate)
    end)

    it("reject_event and refuse_overtaken always raise", function()
      for kind, sqlstate in pairs {
        final = "FS002", not_first = "FS001", not_last = "FS001", wrong_previous = "FS003", duplicate = "FS006",
        unknown_event = "FS004",
      } do
        local _, err = one:try("SELECT reject_event($6, " .. as_event .. ")", "Placed", uuid(), id, nil, 1, kind)
        assert.equal(sqlstate, err.sqlstate)
      end
      assert.equal("FS001", select(2, one:try("SELECT refuse_overtaken('v', $1)", id)).sqlstate)
    end)
  end)

  it("their kinds in Lua", function()
    local conninfo = one.conninfo
    local conn <close> = assert(core.connect(conninfo))
    local function kind_of(fields)
      local item = { event = "Placed", decider = "Order", decider_id = id, data = {}, command_id = uuid() }
      for key, value in pairs(fields) do item[key] = value end
      return select(2, conn:append_events { item }).kind
    end
    local event = one:append_chain(id, 1)[1]
    assert.equal("conflict", kind_of {})
    assert.equal("wrong_previous", kind_of { previous_id = uuid() })
    assert.equal("unknown_event", kind_of { event = "Plaecd", previous_id = event.event_id })
    assert.equal("duplicate", kind_of { decider_id = uuid(), event_id = event.event_id })
    assert.equal("immutable", select(2, conn:exec("TRUNCATE fstore.events")).kind)
    assert(one:call("append_event", "Closed", uuid(), "Order", id, "{}", uuid(), event.event_id, 1, true))
    assert.equal("final", kind_of { previous_id = event.event_id })
  end)
end)
