local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

local violated = 'insert or update on table "events" violates foreign key constraint '
  .. '"events_decider_event_event_version_fkey"'

describe("I4: only registered events get in", function()
  local client = store.shared()
  local one, other

  before_each(function() one, other = client(), client() end)

  it("neither an unknown event, nor decider, nor version", function()
    for _, event in ipairs {
      { event = "Plaecd" }, { decider = "Oder" }, { event_version = 2 }, { event = "Sent" }, { event = "placed" },
    } do
      event.decider_id = uuid()
      local _, err = one:append(event)
      assert.same({ "FS004", violated }, { err.sqlstate, err.message })
      assert.equal("events_decider_event_event_version_fkey", err.constraint)
    end
  end)

  it("nor by a bare INSERT", function()
    for setting, sqlstate in pairs { [""] = "FS004", ["by statement"] = "23503" } do
      one:query("SET fstore.checked = $1", setting)
      local _, err = one:try([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id)
        VALUES ('Plaecd', $1, 'Order', $1, '{}', $1)]], uuid())
      assert.same({ sqlstate, violated }, { err.sqlstate, err.message })
    end
  end)

  it("nor one of many", function()
    local id, a, b = uuid(), uuid(), uuid()
    local _, err = one:call("append_events", { "Placed", "Plaecd" }, { a, b }, { "Order", "Order" }, { id, id },
      { "{}", "{}" }, { uuid(), uuid() }, { store.null, a })
    assert.equal("FS004", err.sqlstate)
    assert.same({}, one:call("get_events", id, "Order"))
  end)

  it("nor one whose registration is not committed", function()
    one:query("BEGIN")
    assert(one:call("register_decider_event", "Order", "Paid", "later", 7))
    local event = { decider_id = uuid(), event = "Paid", event_version = 7 }
    assert.equal("FS004", select(2, other:append(event)).sqlstate)
    one:query("COMMIT")
    assert(other:append(event))
  end)

  it("registering twice is an error of the original, registering many is not", function()
    local _, err = one:call("register_decider_event", "Order", "Placed", "again", 1)
    assert.equal("23505", err.sqlstate)
    assert.equal('duplicate key value violates unique constraint "deciders_pkey"', err.message)
    local function register()
      return assert(one:call("register_decider_events", "Order", { "Placed", "Billed" }, { "again", "new" }, { 1, 1 }))
    end
    assert.equal("Billed", register()[1].event)
    assert.same({}, register())
  end)

  it("two programs may register the same events in the same moment", function()
    one:query("BEGIN")
    assert.equal(1, #one:call("register_decider_events", "Order", { "Raced" }, { "one" }, { 1 }))
    local racing = other:start_call("register_decider_events", "Order", { "Raced", "Won" }, { "two", "two" }, { 1, 1 })
    assert.equal("waits", racing:settle())
    one:query("COMMIT")
    local rows = assert(racing:result())
    assert.same({ 1, "Won" }, { #rows, rows[1].event })
  end)
end)
