local checker = require "spec.support.sql_checker"
local core = require "fstore.core"
local database = require "spec.support.database"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I2: each later event names the one just before it in its stream", function()
  local client, get = store.shared()
  local id, one, other, chain

  before_each(function()
    id, one, other = uuid(), client(), client()
    chain = one:append_chain(id, 3)
  end)
  after_each(function()
    local reader <close> = get():client()
    assert.same({}, checker.verify(reader))
  end)

  -- The ways to append an event of Order behind another; $1 its event_id, $2 the decider_id, $3 the previous_id.
  local ways = {
    append_event = "SELECT * FROM append_event('Placed', $1, 'Order', $2, '{}', $1, $3)",
    append_events = [[SELECT * FROM append_events('{Placed}', ARRAY[$1]::uuid[], '{Order}', ARRAY[$2]::uuid[], '{"{}"}',
      ARRAY[$1]::uuid[], ARRAY[$3]::uuid[])]],
    ["a bare INSERT"] = [[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
      VALUES ('Placed', $1, 'Order', $2, '{}', $1, $3)]],
    ["an INSERT that switches the checks off"] = [[SET fstore.checked = 'by statement';
      INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
      VALUES ('Placed', $1, 'Order', $2, '{}', $1, $3)]],
  }

  local function refused(sqlstate, message, previous_id, way)
    local _, err = one:try(ways[way], uuid(), id, previous_id)
    assert.equal(sqlstate, err.sqlstate)
    assert.equal(message, err.message)
    assert.equal(3, one:value("SELECT count(*) FROM events WHERE decider_id = $1", id))
  end

  for way, statement in pairs(ways) do
    local has_no_checks = way:find("switches") ~= nil

    describe(way, function()
      it("behind an event that has a successor: a fork", function()
        refused(has_no_checks and "23505" or "FS001",
          'duplicate key value violates unique constraint "events_previous_id_key"', chain[2].event_id, way)
      end)

      it("behind an event that is not there", function()
        refused("FS003", "previous_id must be in the same decider", uuid(), way)
      end)

      it("behind the last event of another stream", function()
        local foreign = one:append_chain(uuid(), 1)[1]
        refused("FS003", "previous_id must be in the same decider", foreign.event_id, way)
      end)

      it("behind the last event of another decider of the same id", function()
        local foreign = assert(one:append { decider = "Parcel", decider_id = id })
        local _, err = one:try(statement, uuid(), id, foreign.event_id)
        assert.equal("FS003", err.sqlstate)
      end)

      it("behind itself", function()
        local event_id = uuid()
        local _, err = one:try(statement, event_id, id, event_id)
        assert.equal("FS003", err.sqlstate)
      end)

      it("behind an event that another transaction has not committed", function()
        one:query("BEGIN")
        local last = assert(one:append { decider_id = id, previous_id = chain[3].event_id })
        local _, err = other:try(statement, uuid(), id, last.event_id)
        assert.equal("FS003", err.sqlstate)
        one:query("COMMIT")
        assert(other:try(statement, uuid(), id, last.event_id))
      end)

      it("at the same moment as another behind the same event", function()
        one:query("BEGIN")
        assert(one:append { decider_id = id, previous_id = chain[3].event_id })
        local racing = other:start(statement, uuid(), id, chain[3].event_id)
        assert.equal("waits", racing:settle())
        one:query("COMMIT")
        local _, err = racing:result()
        assert.equal(way:find("^append") and "FS001" or "23505", err.sqlstate)
        assert.equal("events_previous_id_key", err.constraint)
      end)

      it("in a REPEATABLE READ transaction that cannot see the successor", function()
        other:query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other:query("SELECT count(*) FROM events")
        assert(one:append { decider_id = id, previous_id = chain[3].event_id })
        local _, err = other:try(statement, uuid(), id, chain[3].event_id)
        assert.equal("23505", err.sqlstate)
      end)
    end)
  end

  describe("a set", function()
    local function insert(rows)
      local values = {}
      for i, row in ipairs(rows) do
        values[i] = ("('Placed', '%s', 'Order', '%s', '{}', '%s', %s)"):format(row[1], id, uuid(),
          row[2] and "'" .. row[2] .. "'" or "NULL")
      end
      return "INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id) VALUES "
        .. table.concat(values, ", ")
    end

    it("may be a chain, checked or not", function()
      local a, b, c = uuid(), uuid(), uuid()
      assert(one:try(insert { { a, chain[3].event_id }, { b, a } }))
      one:query("SET fstore.checked = 'by statement'")
      assert(one:try(insert { { c, b } }))
    end)

    it("may not fork inside", function()
      local a = uuid()
      for _, setting in ipairs { "", "by statement" } do
        one:query("SET fstore.checked = $1", setting)
        local _, err = one:try(insert { { a, chain[3].event_id }, { uuid(), a }, { uuid(), a } })
        assert.is_truthy(err)
      end
    end)

    it("may not come in the wrong order", function()
      local a, b = uuid(), uuid()
      for _, setting in ipairs { "", "by statement" } do
        one:query("SET fstore.checked = $1", setting)
        local _, err = one:try(insert { { b, a }, { a, chain[3].event_id } })
        assert.matches("FS003", err.sqlstate)
      end
      local _, err = one:call("append_events", { "Placed", "Placed" }, { b, a }, { "Order", "Order" }, { id, id },
        { "{}", "{}" }, { uuid(), uuid() }, { a, chain[3].event_id })
      assert.matches("FS003", err.sqlstate)
    end)

    it("may not be a circle", function()
      local a, b = uuid(), uuid()
      one:query("SET fstore.checked = 'by statement'")
      local _, err = one:try(insert { { a, b }, { b, a } })
      assert.matches("FS003", err.sqlstate)
    end)

    it("is checked when it comes by COPY", function()
      local function copy(rows)
        local lines = {}
        for i, row in ipairs(rows) do
          lines[i] = table.concat({ "Placed", row[1], "Order", id, "{}", uuid(), row[2] }, "\t")
        end
        return pcall(database.query, get().conninfo, [[SET fstore.checked = 'by statement';
          COPY fstore.events (event, event_id, decider, decider_id, data, command_id, previous_id) FROM STDIN;
]] .. table.concat(lines, "\n") .. "\n\\.\n")
      end
      local a, b = uuid(), uuid()
      assert.is_true(copy { { a, chain[3].event_id }, { b, a } })
      local ok, message = copy { { uuid(), b }, { uuid(), uuid() } }
      assert.is_false(ok)
      assert.matches("previous_id must be in the same decider", message, 1, true)
      ok, message = copy { { uuid(), chain[1].event_id } }
      assert.is_false(ok)
      assert.matches("events_previous_id_key", message, 1, true)
      assert.equal(5, one:value("SELECT count(*) FROM events WHERE decider_id = $1", id))
    end)
  end)

  it("an offset of the client's own choice does not bring an event before the one it follows", function()
    one:query("SET fstore.checked = 'by statement'")
    for _, offset in ipairs { 0, -1, chain[3].offset - 1, chain[1].offset } do
      local _, err = one:try([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id,
        "offset") VALUES ('Placed', $1, 'Order', $2, '{}', $1, $3, $4)]], uuid(), id, chain[3].event_id, offset)
      assert.is_truthy(err)
    end
    local _, err = one:try([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, "offset")
      VALUES ('Placed', $1, 'Order', $1, '{}', $1, 0)]], uuid())
    assert.same({ "FS008", "the offset of an event must be above 0, not 0" }, { err.sqlstate, err.message })
    _, err = one:try([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, "offset")
      SELECT 'Placed', n.id, 'Order', n.id, '{}', n.id, n.place
      FROM (VALUES ($1::uuid, 1000000), ($2::uuid, -1)) AS n (id, place)]], uuid(), uuid())
    assert.same({ "FS008", "the offset of an event must be above 0, not -1" }, { err.sqlstate, err.message })
  end)

  it("events of one set in several streams are each checked in their own", function()
    local second = one:append_chain(uuid(), 1)
    local a, b, c = uuid(), uuid(), uuid()
    local rows = assert(one:call("append_events", { "Placed", "Placed", "Shipped" }, { a, b, c },
      { "Order", "Order", "Order" }, { id, second[1].decider_id, id }, { "{}", "{}", "{}" }, { uuid(), uuid(), uuid() },
      { chain[3].event_id, second[1].event_id, a }))
    assert.same({ a, b, c }, { rows[1].event_id, rows[2].event_id, rows[3].event_id })
    local _, err = one:call("append_events", { "Placed", "Placed" }, { uuid(), uuid() }, { "Order", "Order" },
      { id, second[1].decider_id }, { "{}", "{}" }, { uuid(), uuid() }, { c, a })
    assert.equal("FS003", err.sqlstate)
  end)
end)
