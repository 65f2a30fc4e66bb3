local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I5: events and deciders never change and never go", function()
  local client = store.shared()
  local one, id

  before_each(function()
    one, id = client(), uuid()
    one:append_chain(id, 2)
  end)

  local function contents()
    return one:query('SELECT * FROM events ORDER BY "offset"'), one:query("SELECT * FROM deciders ORDER BY 1, 2, 3")
  end

  local function changes_nothing(statement, sqlstate)
    local events, deciders = contents()
    local _, err = one:try(statement)
    assert.equal(sqlstate, err and err.sqlstate)
    local events_after, deciders_after = contents()
    assert.same(events, events_after)
    assert.same(deciders, deciders_after)
    return err
  end

  for _, statement in ipairs {
    "UPDATE events SET data = '[]'",
    'UPDATE events SET "offset" = "offset" + 1000',
    "UPDATE events SET final = true WHERE previous_id IS NULL",
    "UPDATE ONLY events SET event_id = gen_random_uuid()",
    "DELETE FROM events",
    "DELETE FROM events USING deciders WHERE deciders.event = events.event",
    "WITH gone AS (SELECT 1) DELETE FROM events WHERE final",
    "UPDATE deciders SET description = 'other'",
    "UPDATE deciders SET event_version = 2",
    "DELETE FROM deciders",
    "DELETE FROM deciders WHERE event = 'Sent'",
  } do
    it(statement .. " changes nothing, as in the original", function() changes_nothing(statement) end)
  end

  for _, statement in ipairs {
    "TRUNCATE events", "TRUNCATE deciders CASCADE", "TRUNCATE events, locks",
    "TRUNCATE TABLE ONLY events RESTART IDENTITY",
  } do
    it(statement .. " is refused", function()
      local err = changes_nothing(statement, "FS005")
      assert.matches('table "%a+" is immutable', err.message)
    end)
  end

  it("neither does an INSERT with ON CONFLICT get at them", function()
    changes_nothing([[INSERT INTO events SELECT * FROM events
      ON CONFLICT ("offset") DO UPDATE SET data = '[]']], "0A000")
    changes_nothing([[INSERT INTO deciders SELECT * FROM deciders
      ON CONFLICT (decider, event, event_version) DO UPDATE SET description = 'other']], "0A000")
  end)

  it("nor MERGE", function()
    if one:value("SELECT current_setting('server_version_num')::int") < 150000 then return end
    changes_nothing([[MERGE INTO events AS e USING (SELECT 1) AS s ON true
      WHEN MATCHED THEN UPDATE SET data = '[]']], "0A000")
    changes_nothing("MERGE INTO deciders AS d USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE", "0A000")
  end)

  it("nor the removal of a view", function()
    local events = contents()
    assert(one:call("register_view", "v", "-infinity"))
    one:query("DELETE FROM views")
    assert.equal(0, one:value("SELECT count(*) FROM locks"))
    one:query("TRUNCATE views CASCADE")
    assert.same(events, (contents()))
  end)

  it("the same event_id is refused a second time", function()
    local event_id = uuid()
    assert(one:append { decider_id = uuid(), event_id = event_id, data = '{"n":1}' })
    local _, err = one:append { decider_id = uuid(), event_id = event_id, data = '{"n":2}' }
    assert.same({ "FS006", 'duplicate key value violates unique constraint "events_event_id_key"' },
      { err.sqlstate, err.message })
    assert.equal('{"n": 1}', one:value("SELECT data::text FROM events WHERE event_id = $1", event_id))
  end)
end)
