local checker = require "spec.support.sql_checker"
local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

-- The ways to append a first event; $1 its event_id, $2 the decider_id.
local ways = {
  append_event = "SELECT * FROM append_event('Placed', $1, 'Order', $2, '{}', $1, NULL)",
  append_events = [[SELECT * FROM append_events('{Placed}', ARRAY[$1]::uuid[], '{Order}', ARRAY[$2]::uuid[], '{"{}"}',
    ARRAY[$1]::uuid[], '{NULL}')]],
  ["a bare INSERT"] = [[INSERT INTO events (event, event_id, decider, decider_id, data, command_id)
    VALUES ('Placed', $1, 'Order', $2, '{}', $1)]],
  ["an INSERT that switches the checks off"] = [[SET fstore.checked = 'by statement';
    INSERT INTO events (event, event_id, decider, decider_id, data, command_id)
    VALUES ('Placed', $1, 'Order', $2, '{}', $1)]],
}
local names = { "append_event", "append_events", "a bare INSERT", "an INSERT that switches the checks off" }

describe("I1: one first event of a stream", function()
  local client = store.shared()
  local id, one, other

  before_each(function() id, one, other = uuid(), client(), client() end)

  local function assert_one_first_event()
    assert.equal(1, one:value("SELECT count(*) FROM events WHERE decider_id = $1 AND previous_id IS NULL", id))
    assert.same({}, checker.verify(one))
  end

  for _, first in ipairs(names) do
    for _, second in ipairs(names) do
      it(("%s against %s in the same moment"):format(second, first), function()
        one:query("BEGIN")
        one:query(ways[first], uuid(), id)
        local racing = other:start(ways[second], uuid(), id)
        assert.equal("waits", racing:settle())
        one:query("COMMIT")
        local _, err = racing:result()
        local is_ours = second:find("^append") ~= nil
        assert.equal(is_ours and "FS001" or "23505", err.sqlstate)
        assert.equal(is_ours and "previous_id can only be null for the first decider event"
          or 'duplicate key value violates unique constraint "events_first_key"', err.message)
        assert_one_first_event()
      end)
    end

    it(("%s after the first has been rolled back"):format(first), function()
      one:query("BEGIN")
      assert(one:append { decider_id = id })
      local racing = other:start(ways[first], uuid(), id)
      assert.equal("waits", racing:settle())
      one:query("ROLLBACK")
      assert(racing:result())
      assert_one_first_event()
    end)

    it(("%s when one is there already"):format(first), function()
      assert(one:append { decider_id = id })
      local _, err = other:try(ways[first], uuid(), id)
      assert.equal(first:find("switches") and "23505" or "FS001", err.sqlstate)
      assert_one_first_event()
    end)

    for _, level in ipairs { "REPEATABLE READ", "SERIALIZABLE" } do
      it(("%s in a %s transaction that cannot see the first"):format(first, level), function()
        other:query("BEGIN ISOLATION LEVEL " .. level)
        other:query("SELECT count(*) FROM events")
        assert(one:append { decider_id = id })
        local _, err = other:try(ways[first], uuid(), id)
        assert.is_true(err.sqlstate == "23505" or err.sqlstate == "40001", err.sqlstate)
        assert_one_first_event()
      end)
    end
  end

  it("a first event in a savepoint that was rolled back does not count", function()
    one:query("BEGIN; SAVEPOINT s")
    assert(one:append { decider_id = id })
    one:query("ROLLBACK TO s")
    assert(one:append { decider_id = id })
    one:query("COMMIT")
    assert_one_first_event()
  end)

  it("two first events of a stream in one set are refused together", function()
    local _, err = one:call("append_events", { "Placed", "Placed" }, { uuid(), uuid() }, { "Order", "Order" },
      { id, id }, { "{}", "{}" }, { uuid(), uuid() }, { store.null, store.null })
    assert.equal("23505", err.sqlstate)
    assert.equal("events_first_key", err.constraint)
    assert.same({}, one:call("get_events", id, "Order"))
  end)

  it("deciders of different names have a first event each under one id", function()
    assert(one:append { decider_id = id })
    assert(one:append { decider = "Parcel", decider_id = id })
    assert.same({}, checker.verify(one))
  end)
end)
