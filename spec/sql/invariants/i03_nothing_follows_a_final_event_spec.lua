local checker = require "spec.support.sql_checker"
local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

local closed = "last event for this decider stream is already final. "
  .. "the stream is closed, you can not append events to it."

describe("I3: nothing follows a final event", function()
  local client = store.shared()
  local id, one, other

  before_each(function() id, one, other = uuid(), client(), client() end)

  local function close_stream(session, previous_id)
    local rows, err = session:call("append_event", "Closed", uuid(), "Order", id, "{}", uuid(), previous_id, 1, true)
    return rows and rows[1], err
  end

  it("neither behind it, nor behind an earlier event, nor as another first", function()
    local first = assert(one:append { decider_id = id })
    local final = assert(close_stream(one, first.event_id))
    assert.is_true(final.final)
    for _, previous_id in ipairs { final.event_id, first.event_id, uuid(), false } do
      local _, err = one:append { decider_id = id, previous_id = previous_id or nil }
      assert.same({ "FS002", closed }, { err.sqlstate, err.message })
    end
    assert.same({}, checker.verify(one))
  end)

  it("also when the first event is the final one", function()
    local final = assert(close_stream(one))
    assert.equal("FS002", select(2, one:append { decider_id = id, previous_id = final.event_id }).sqlstate)
  end)

  it("not by a bare INSERT, with the checks or without", function()
    local final = assert(close_stream(one))
    for _, setting in ipairs { "", "by statement" } do
      one:query("SET fstore.checked = $1", setting)
      local _, err = one:try([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
        VALUES ('Placed', $1, 'Order', $2, '{}', $1, $3)]], uuid(), id, final.event_id)
      assert.same({ "FS002", closed }, { err.sqlstate, err.message })
    end
  end)

  it("not in the set that holds the final event", function()
    local a, b = uuid(), uuid()
    local _, err = one:call("append_events", { "Closed", "Placed" }, { a, b }, { "Order", "Order" }, { id, id },
      { "{}", "{}" }, { uuid(), uuid() }, { store.null, a }, nil, { true, false })
    assert.same({ "FS002", closed }, { err.sqlstate, err.message })
    assert.same({}, one:call("get_events", id, "Order"))
  end)

  it("not in the same moment", function()
    local first = assert(one:append { decider_id = id })
    one:query("BEGIN")
    assert(close_stream(one, first.event_id))
    local racing = other:start_append { decider_id = id, previous_id = first.event_id }
    assert.equal("waits", racing:settle())
    one:query("COMMIT")
    assert.equal("FS002", select(2, racing:result()).sqlstate)
    assert.same({}, checker.verify(one))
  end)

  it("but streams of other deciders under its id go on", function()
    local final = assert(close_stream(one))
    local parcel = assert(one:append { decider = "Parcel", decider_id = id })
    assert(one:append { decider = "Parcel", decider_id = id, previous_id = parcel.event_id })
    local _, err = one:append { decider = "Parcel", decider_id = id, previous_id = final.event_id }
    assert.equal("FS003", err.sqlstate)
  end)

  it("locks say whether the partition's last event is final", function()
    assert(one:call("register_view", "v", "-infinity"))
    local function offset_final()
      return one:value("SELECT offset_final FROM locks WHERE view = 'v' AND decider_id = $1", id)
    end
    local first = assert(one:append { decider_id = id })
    assert.is_false(offset_final())
    assert(close_stream(one, first.event_id))
    assert.is_true(offset_final())
    assert(one:append { decider = "Parcel", decider_id = id })
    assert.is_false(offset_final())
  end)
end)
