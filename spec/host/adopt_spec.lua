-- `fstore-lua init --adopt`, and psql -v adopt=on: a store of the original schema is brought under the contract.
local core = require "fstore.core"
local database = require "spec.support.database"
local files = require "fstore.files"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"

local ORIGINAL <const> = files.read("spec/support/original_store.sql")

-- Ids that can be read: stream 3 is 10000000-…-03, its first event 00000000-…-03.
local SOUND <const> = [[
  select register_decider_event('Order', 'Placed', ''), register_decider_event('Order', 'Shipped', '');
  select append_event('Placed', ('00000000-0000-4000-8000-00000000000' || i)::uuid, 'Order',
    ('10000000-0000-4000-8000-00000000000' || i)::uuid, '{"n": 1}', gen_random_uuid(), null)
  from generate_series(1, 6) as i;
  select register_view('early', '-infinity'), register_view('zoned', '2020-06-01 12:00');
  select ack_event('early', '10000000-0000-4000-8000-000000000001', 1);
  select append_event('Shipped', '30000000-0000-4000-8000-000000000001', 'Order',
    '10000000-0000-4000-8000-000000000001', '{}', gen_random_uuid(), '00000000-0000-4000-8000-000000000001');
]]

-- What races made of it, and an ack beyond the head: D1 to D3.
local BROKEN <const> = [[
  alter table events disable trigger user;
  insert into events (event, event_id, decider, decider_id, data, command_id, previous_id, final) values
    ('Placed', '40000000-0000-4000-8000-000000000002', 'Order', '10000000-0000-4000-8000-000000000002', '{}',
      gen_random_uuid(), null, false),
    ('Shipped', '40000000-0000-4000-8000-000000000003', 'Order', '10000000-0000-4000-8000-000000000003', '{}',
      gen_random_uuid(), '00000000-0000-4000-8000-000000000003', true),
    ('Shipped', '50000000-0000-4000-8000-000000000003', 'Order', '10000000-0000-4000-8000-000000000003', '{}',
      gen_random_uuid(), '40000000-0000-4000-8000-000000000003', false),
    ('Shipped', '40000000-0000-4000-8000-000000000004', 'Order', '10000000-0000-4000-8000-000000000004', '{}',
      gen_random_uuid(), 'ffffffff-0000-4000-8000-000000000000', false);
  alter table events enable trigger user;
  select stream_events('early', 1);
  delete from locks where view = 'early' and decider_id = '10000000-0000-4000-8000-000000000005';
  select ack_event('early', '10000000-0000-4000-8000-000000000006', 500);
]]

local function original(schema, ...)
  local db = database.fresh { empty = true }
  local quoted = '"' .. schema:gsub('"', '""') .. '"'
  database.query(db, ("create schema if not exists %s; set search_path to %s; %s"):format(quoted, quoted,
    table.concat({ ORIGINAL, ... }, "\n")))
  return db
end

local function psql_adopt(db, schema)
  local code, output = process.run {
    "sh", "-c", 'exec psql "$@" 2>&1', "psql", "-Xqd", db, "-v", "adopt=on", "-v", "schema=" .. schema, "-f",
    "sql/install.sql" }
  return code, output
end

local function dump(db)
  local code, output = process.run { "pg_dump", "--schema-only", "--schema=fstore", db }
  assert.equal(0, code)
  return (output:gsub("\\%a*restrict [^\n]*", ""))
end

-- The lines of one text that another lacks.
local function lacks(text, other)
  local there, lacking = {}, {}
  for line in text:gmatch("[^\n]+") do
    there[line] = true
  end
  for line in other:gmatch("[^\n]+") do
    lacking[#lacking + 1] = not there[line] and line or nil
  end
  return lacking
end

local function assert_same_text(expected, text)
  assert.same({}, lacks(expected, text))
  assert.same({}, lacks(text, expected))
  assert.is_true(expected == text)
end

local function counts(rows)
  local count_of = {}
  for _, row in ipairs(rows) do
    count_of[row.finding] = row.count
  end
  return count_of
end

local function item(stream, previous)
  return {
    event = "Shipped", decider = "Order", decider_id = "10000000-0000-4000-8000-00000000000" .. stream, data = {},
    command_id = core.uuid.v4(), previous_id = previous,
  }
end

describe("adopting a store of the original schema", function()
  it("makes of it just what a new installation is", function()
    local db = original("fstore")
    local result = host.run({ "init", "--adopt" }, { db = db })
    assert.equal(0, result.code, result.err)
    assert.equal("", result.out)
    database.query(db, "drop table fstore.adoption_findings")
    database.query(db, "comment on schema fstore is 'fstore: an event store and its event streaming'")
    assert_same_text(dump(database.fresh()), dump(db))
  end)

  it("keeps its data and its progress, and reads start_at in the session's time zone", function()
    local db = original("fstore", SOUND)
    local before = database.query(db, "select * from fstore.events")
    local result = host.run({ "init", "--adopt" }, { db = db, env = { PGTZ = "Europe/Berlin" } })
    assert.equal(0, result.code, result.err)
    assert.equal(before, database.query(db, "select * from fstore.events"))
    assert.equal("2020-06-01 10:00:00", database.query(db,
      "select start_at at time zone 'utc' from fstore.views where view = 'zoned'"))
    local conn <close> = assert(core.connect(db))
    local leased = assert(conn:lease_events("early"))
    assert.equal(6, #leased)
    assert(conn:append_events { item(2, "00000000-0000-4000-8000-000000000002") })
    assert.equal("conflict", select(2, conn:append_events { item(1, nil) }).kind)
    assert.equal("", database.query(db, "select * from fstore.lock_faults()"))
    assert.equal("", database.query(db, "select * from fstore.guard_faults()"))
  end)

  it("does it once", function()
    local db = original("fstore", SOUND, BROKEN)
    assert.equal(0, host.run({ "init", "--adopt" }, { db = db }).code)
    local before = dump(db)
    local result = host.run({ "init", "--adopt" }, { db = db })
    assert.equal(0, result.code)
    assert_same_text(before, dump(db))
    assert.equal(1, counts(result:rows()).second_first)
    local fresh = host.run({ "init", "--adopt" }, { db = database.fresh() })
    assert.equal(0, fresh.code)
    assert.matches("nothing to adopt", fresh.err)
  end)

  it("takes any schema, by psql as well", function()
    local db = original('my "store" (1)')
    assert.same({ 0, "" }, { psql_adopt(db, 'my "store" (1)') })
    local public = original("public", SOUND)
    assert.same({ 0, "" }, { psql_adopt(public, "public") })
    assert.equal("7", database.query(public, "select count(*) from events"))
  end)

  describe("that is broken", function()
    local db, result, before, conn
    setup(function()
      db = original("fstore", SOUND, BROKEN)
      before = database.query(db, "select * from fstore.events")
      result = host.run({ "init", "--adopt" }, { db = db })
      conn = assert(core.connect(db))
    end)
    teardown(function()
      conn:close()
    end)

    it("reports everything that it found, and loses no event", function()
      assert.equal(0, result.code, result.err)
      assert.same({
        second_first = 1, missing_previous = 1, after_final = 1, head_behind = 6, progress_past_head = 1,
        missing_lock = 1,
      }, counts(result:rows()))
      for _, row in ipairs(result:rows()) do
        assert.is_string(row.meaning)
        assert.is_string(row.examples[1].decider_id)
      end
      assert.equal(before, database.query(db, "select * from fstore.events"))
    end)

    it("puts the locks right: nothing is skipped, and nothing handled again", function()
      assert.equal("", database.query(db, "select * from fstore.lock_faults()"))
      local seen = {}
      for _, event in ipairs(assert(conn:lease_events("early", { limit = 100 }))) do
        seen[event.offset] = true
      end
      -- The event that the original had leased is still leased, 1 and 6 were acked.
      local leased = math.tointeger(database.query(db,
        "select leased_offset from fstore.locks where view = 'early' and token = 0 and locked_until > now()"))
      assert.is_nil(seen[leased])
      assert.is_nil(seen[1])
      assert.is_nil(seen[6])
      assert.is_true(seen[5])
      assert.is_true(seen[7])
    end)

    it("lets no stream fork again", function()
      for _, stream in ipairs { 1, 2, 4 } do
        assert.equal("conflict", select(2, conn:append_events { item(stream, nil) }).kind)
      end
    end)

    it("lets only the last event of a forked stream be followed", function()
      local _, err = conn:append_events { item(2, "00000000-0000-4000-8000-000000000002") }
      assert.equal("events_dead_end_check", err.constraint)
      local last = assert(conn:get_last_event("10000000-0000-4000-8000-000000000002", "Order"))
      assert.equal("40000000-0000-4000-8000-000000000002", last.event_id)
      assert(conn:append_events { item(2, last.event_id) })
      _, err = conn:append_events { item(4, "00000000-0000-4000-8000-000000000004") }
      assert.equal("events_dead_end_check", err.constraint)
    end)

    it("closes a stream that went on after its final event", function()
      for _, previous in ipairs { "4", "5" } do
        local stored = conn:append_events { item(3, previous .. "0000000-0000-4000-8000-000000000003") }
        assert.is_nil(stored)
      end
    end)

    it("is healthy for the doctor, who tells what is on record", function()
      local told = host.run({ "doctor" }, { db = db })
      assert.equal(0, told.code, told.out)
      for _, row in ipairs(told:rows()) do
        assert.is_true(row.known, row.finding)
      end
    end)

    it("survives a dump", function()
      local copy = database.fresh { empty = true }
      local code, output = process.run {
        "sh", "-c", 'pg_dump "$1" | psql -Xq -v ON_ERROR_STOP=1 -d "$2" 2>&1', "sh", db, copy }
      assert.equal(0, code, output)
      local guards = [[
        select pg_get_indexdef('fstore.events_first_key'::regclass), pg_get_constraintdef(oid) from pg_constraint
        where conname = 'events_dead_end_check'; select * from fstore.events]]
      assert.equal(database.query(db, guards), database.query(copy, guards))
    end)
  end)

  describe("refuses, and changes nothing,", function()
    local function refused(db, what)
      local function tables()
        return database.query(db,
          "select relname, relnamespace::regnamespace from pg_class where oid > 16384 order by 1, 2")
      end
      local before = tables()
      local result = host.run({ "init", "--adopt" }, { db = db })
      assert.equal(5, result.code)
      assert.matches(what, result.err)
      assert.equal(before, tables())
    end

    it("a schema that merely has a table named events", function()
      local db = database.fresh { empty = true }
      database.query(db, "create schema fstore; create table fstore.events (id int)")
      refused(db, "holds no store of the original schema.*events: id integer")
    end)

    it("an empty database", function()
      refused(database.fresh { empty = true }, "holds no store.*a table is missing")
    end)

    it("tables with a column more, or a rule less", function()
      refused(original("fstore", "alter table events add column note text"), "note text")
      refused(original("fstore", "drop rule ignore_delete_events on events"), "rule ignore_delete_events")
      refused(original("fstore", "alter table events drop constraint events_event_id_key"), "events_event_id_key")
    end)

    it("without --adopt", function()
      local db = original("fstore")
      local result = host.run({ "init" }, { db = db })
      assert.equal(5, result.code)
      assert.matches("%-%-adopt", result.err)
    end)
  end)
end)
