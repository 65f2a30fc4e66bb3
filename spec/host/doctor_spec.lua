-- `fstore-lua doctor`: a store is broken on purpose, each finding appears, and --fix mends what can be mended.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local uv = require "luv"

local NEW <const> = [[
  insert into fstore.events (event, event_id, decider, decider_id, data, command_id, previous_id, final) ]]

local function doctor(db, ...)
  local result = host.run({ "doctor", ... }, { db = db })
  local found = {}
  for _, row in ipairs(result:rows()) do
    found[row.finding] = row
  end
  return result.code, found, result.err
end

local function names(found)
  local list = {}
  for name in pairs(found) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

describe("doctor", function()
  local db, first

  -- As the owner of the tables, who can do anything.
  local function break_it(...)
    database.query(db, table.concat({ "set search_path to fstore;", ... }, "\n"))
  end

  local function unguarded(sql)
    break_it("alter table events disable trigger user;", sql, ";alter table events enable trigger user;")
  end

  before_each(function()
    db = database.fresh()
    local conn <close> = assert(core.connect(db))
    assert(conn:register_decider_event("Order", "Placed", ""))
    assert(conn:register_view { view = "orders", start_at = "-infinity" })
    local list = {}
    for index = 1, 4 do
      list[index] = {
        event = "Placed", decider = "Order", decider_id = core.uuid.v4(), data = {}, command_id = core.uuid.v4(),
      }
    end
    first = assert(conn:append_events(list))
  end)

  it("finds a healthy store healthy", function()
    local code, found, err = doctor(db)
    assert.equal(0, code, err)
    assert.same({}, names(found))
    assert.matches("healthy", err)
  end)

  it("explains each finding, and the repair", function()
    break_it("delete from locks")
    local code, found = doctor(db, "--examples", "2")
    assert.equal(1, code)
    local row = found.missing_lock
    assert.equal(4, row.count)
    assert.equal(2, #row.examples)
    assert.equal("orders", row.examples[1].view)
    assert.equal(first[1].decider_id, row.examples[1].decider_id)
    assert.is_nil(row.fixed)
    assert.equal("I6", row.invariant)
    for _, field in ipairs { "meaning", "consequence", "repair" } do
      assert.is_string(row[field])
    end
  end)

  it("shows a table and the explanations on a terminal", function()
    break_it("delete from locks")
    local result = host.on_terminal("doctor", { db = db })
    assert.matches("finding +invariant +count +state +for example\nmissing_lock +I6 +4 ", result.out)
    assert.matches("Repair: ", result.out)
  end)

  describe("checks the streams:", function()
    local function finds(name, values)
      unguarded(NEW .. values)
      local code, found = doctor(db, "--fix")
      assert.equal(1, code)
      assert.is_table(found[name], table.concat(names(found), ", "))
      assert.is_false(found[name].fixed)
      return found
    end

    local function values(fields)
      local function quoted(text)
        return text and ("'%s'"):format(text) or "null"
      end
      return ("values (%s, gen_random_uuid(), 'Order', '%s', '{}', gen_random_uuid(), %s, %s)"):format(
        quoted(fields.event or "Placed"), fields.decider_id or first[1].decider_id, quoted(fields.previous_id),
        fields.final or false)
    end

    it("I1, two first events", function()
      break_it("drop index events_first_key")
      finds("second_first", values {})
    end)

    it("I2, two successors", function()
      break_it("drop index events_previous_id_key")
      unguarded(NEW .. values { previous_id = first[1].event_id })
      finds("second_successor", values { previous_id = first[1].event_id })
    end)

    it("I2, a gap, another stream's event", function()
      finds("missing_previous", values { previous_id = core.uuid.v4() })
      db = database.fresh()
      database.query(db, "select fstore.register_decider_event('Order', 'Placed', '')")
      finds("missing_previous", values { previous_id = first[2].event_id })
    end)

    it("I2, out of order", function()
      local later = core.uuid.v4()
      unguarded(([[
        insert into events values ('Placed', '%s', 1, 'Order', '%s', '{}', gen_random_uuid(), null, false, now(), 90);
        insert into events values ('Placed', gen_random_uuid(), 1, 'Order', '%s', '{}', gen_random_uuid(), '%s', false,
          now(), 80)]]):format(later, later, later, later))
      local _, found = doctor(db)
      assert.equal(80, found.out_of_order.examples[1].offset)
    end)

    it("I2, behind another than the last event", function()
      unguarded(NEW .. values { previous_id = core.uuid.v4() })
      finds("not_behind_last", values { previous_id = first[1].event_id })
    end)

    it("I3, after the end", function()
      unguarded(NEW .. values { previous_id = first[1].event_id, final = true })
      local last = database.query(db, "select event_id from fstore.events where final")
      finds("after_final", values { previous_id = last })
    end)

    it("I4, unregistered", function()
      break_it("alter table events drop constraint events_decider_event_event_version_fkey")
      local found = finds("unregistered", values { event = "Unknown", decider_id = core.uuid.v4() })
      assert.is_table(found.missing_guard)
    end)
  end)

  describe("repairs", function()
    local function mends(...)
      local expected = { ... }
      local code, found, err = doctor(db)
      assert.equal(1, code, err)
      assert.same(expected, names(found))
      code, found, err = doctor(db, "--fix")
      assert.equal(0, code, err)
      for _, row in pairs(found) do
        assert.is_true(row.fixed)
      end
      assert.same({}, names(select(2, doctor(db))))
    end

    local function leased()
      local conn <close> = assert(core.connect(db))
      local offsets = {}
      for index, event in ipairs(assert(conn:lease_events("orders"))) do
        offsets[index] = event.offset
      end
      return offsets
    end

    it("missing locks, from the view's start_at on", function()
      break_it("delete from locks; select register_view('late');")
      break_it("delete from locks where view = 'late'")
      mends("missing_lock")
      assert.same({ 1, 2, 3, 4 }, leased())
      assert.equal("4", database.query(db,
        "select count(*) from fstore.locks where view = 'late' and pending_from is null"))
    end)

    it("locks that do not know the last events", function()
      unguarded(NEW .. ("values ('Placed', gen_random_uuid(), 'Order', '%s', '{}', gen_random_uuid(), '%s', false)")
        :format(first[1].decider_id, first[1].event_id))
      mends("head_behind")
      assert.same({ 1, 2, 3, 4, 5 }, leased())
    end)

    it("locks that wait for events that are not there", function()
      break_it([[update locks set "offset" = 99;
        insert into locks (view, decider_id, "offset", last_offset, offset_final)
        values ('orders', gen_random_uuid(), 7, 0, false)]])
      mends("head_beyond")
      assert.same({ 1, 2, 3, 4 }, leased())
    end)

    it("locks that are not in the queue, or in it for nothing", function()
      unguarded("update locks set pending_from = null, updated_at = now() where \"offset\" = 2")
      mends("wrongly_queued")
      assert.same({ 1, 2, 3, 4 }, leased())
      database.query(db, "select fstore.ack_events('orders', array_agg(decider_id), array_agg(\"offset\"), "
        .. "array_agg(null::bigint)) from fstore.events")
      unguarded("update locks set pending_from = 1, updated_at = now() where \"offset\" = 2")
      mends("wrongly_queued")
      assert.same({}, leased())
    end)

    it("progress past the head, without handling an event again", function()
      break_it([[update locks set last_offset = 50 where "offset" = 2]])
      mends("progress_past_head")
      assert.same({ 1, 3, 4 }, leased())
      break_it(("select * from append_event('Placed', gen_random_uuid(), 'Order', '%s', '{}', gen_random_uuid(), '%s')")
        :format(first[2].decider_id, first[2].event_id))
      assert.same({ 5 }, leased())
    end)

    it("a registration that was broken off", function()
      break_it("select register_view('new', '-infinity', v_fill => false)")
      mends("unfilled_view")
      assert.equal("4 | true", database.query(db, [[
        select count(*) || ' | ' || v.is_filled from fstore.locks join fstore.views as v using (view)
        where view = 'new' group by v.is_filled]]))
    end)

    it("triggers and rules that are switched off", function()
      break_it([[
        alter table events disable trigger t_on_insert_on_events; alter table events disable rule ignore_update_events;
        alter table deciders disable trigger t_refuse_truncate;
        alter table views enable replica trigger t_on_insert_on_views]])
      local _, found = doctor(db)
      assert.equal(4, found.disabled_guard.count)
      mends("disabled_guard")
    end)

    it("triggers of a foreign key, when the rights are there", function()
      break_it("alter table events disable trigger all")
      mends("disabled_guard")
    end)

    it("a trigger that is not there", function()
      break_it("drop trigger t_refuse_truncate on events")
      mends("missing_guard")
    end)

    it("the sequence of offsets", function()
      break_it("alter sequence events_offset_seq cache 10; select setval('events_offset_seq', 2)")
      mends("offset_sequence")
      break_it("select append_event('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', gen_random_uuid(), "
        .. "null)")
    end)

    it("functions that differ from the program's, or are missing", function()
      break_it([[
        create or replace function wake_up() returns void language plpgsql as 'begin end'; drop function read_events]])
      local _, found = doctor(db)
      assert.equal(2, found.stale_functions.count)
      mends("stale_functions")
      break_it("drop function stream_faults")
      local code, alone, err = doctor(db)
      assert.equal(1, code)
      assert.same({ "stale_functions" }, names(alone))
      assert.matches("need functions", err)
      mends("stale_functions")
    end)
  end)

  describe("only reports", function()
    local function reports(name, ...)
      local code, found = doctor(db, "--fix", ...)
      assert.equal(1, code)
      assert.same({ name }, names(found))
      assert.is_false(found[name].fixed)
      return found[name]
    end

    it("expired leases that nobody took again", function()
      break_it("select from lease_events('orders', 1)", [[;
        update locks set locked_until = now() - interval '10 minutes' where attempts > 0]])
      assert.equal(first[1].decider_id, reports("expired_lease").examples[1].decider_id)
      assert.equal(0, (doctor(db, "--older-than", "700")))
    end)

    it("parked partitions, with their error", function()
      break_it([[update locks set parked_at = now(), last_error = 'no such column' where "offset" = 3]])
      assert.matches("no such column", reports("parked").examples[1].detail)
    end)

    it("views that lag", function()
      unguarded([[alter table events disable rule ignore_update_events;
        update events set created_at = created_at - interval '1 hour' where "offset" = 1;
        alter table events enable rule ignore_update_events]])
      local row = reports("lagging_view")
      assert.equal("orders", row.examples[1].view)
      assert.matches("4 pending partitions", row.examples[1].detail)
      assert.equal(0, (doctor(db, "--older-than", "5000")))
    end)

    it("the session that holds an old transaction open", function()
      local idle <close> = assert(core.connect(db))
      break_it([[update locks set last_offset = "offset"]])
      assert(idle:exec("begin; select 1"))
      local row = reports("old_transaction", "--older-than", "0")
      assert.matches(("pid %d "):format(idle:backend_pid()), row.examples[1].detail)
      assert.matches("idle in transaction", row.examples[1].detail)
      assert.same(0, (doctor(db)))
    end)

    it("a store that is newer than the program", function()
      break_it("insert into fstore_migrations values (999, 'to come')")
      assert.matches("999", reports("newer_schema").examples[1].detail)
    end)
  end)

  it("says what is missing to see other users' sessions", function()
    local user = ("doctor_%d"):format(uv.os_getpid())
    database.query(db, ("create role %s login; grant create on database %s to %s"):format(
      user, db:match("dbname=(%S+)"), user))
    local as_user = db:gsub("user=%w+", "user=" .. user)
    local installed = host.run({ "--schema", "own", "init" }, { db = as_user })
    assert.equal(0, installed.code, installed.err)
    local other <close> = assert(core.connect(db))
    assert(other:exec("select 1"))
    local result = host.run({ "--schema", "own", "doctor" }, { db = as_user })
    assert.equal(0, result.code, result.err)
    assert.matches("pg_read_all_stats", result.err)
    database.query(db, ("grant pg_read_all_stats to %s"):format(user))
    assert.no_match("pg_read_all_stats", host.run({ "--schema", "own", "doctor" }, { db = as_user }).err)
    database.drop(db)
    database.query(database.server(), "drop role " .. user)
  end)

  it("needs a store", function()
    local result = host.run({ "doctor" }, { db = database.fresh { empty = true } })
    assert.equal(4, result.code)
    assert.matches("fstore%-lua init", result.err)
  end)
end)
