-- sql/roles.sql: what readers, appenders and consumers can do, and everything that they cannot.
local core = require "fstore.core"
local database = require "spec.support.database"
local process = require "fstore.embedded.process"
local uv = require "luv"

local PREFIX <const> = ("roles_%d"):format(uv.os_getpid())
local STREAM <const> = core.uuid.v4()
local FOREIGN <const> = core.uuid.v4()

local function psql_file(conninfo, file, ...)
  local code, output = process.run {
    "sh", "-c", 'exec psql "$@" 2>&1', "psql", "-Xqd", conninfo, "-v", "prefix=" .. PREFIX, "-f", file, ... }
  return code, output
end

describe("the roles", function()
  local db
  local connections = {}

  -- A session of a user who is a member of PREFIX_<may>.
  local function as(may)
    if not connections[may] then
      local conninfo = db:gsub("user=%w+", ("user=%s_%s_user"):format(PREFIX, may))
      connections[may] = assert(core.connect(conninfo))
    end
    return connections[may]
  end

  local function denied(may, sql, ...)
    local rows, err = as(may):exec(sql, ...)
    assert.is_nil(rows, sql)
    assert.equal("42501", err.sqlstate, sql)
    return err
  end

  local function event(fields)
    local item = { decider = "Order", decider_id = STREAM, event = "Placed", data = {}, command_id = core.uuid.v4() }
    for key, value in pairs(fields or {}) do
      item[key] = value
    end
    return item
  end

  setup(function()
    db = database.fresh()
    assert.same({ 0, "" }, { psql_file(db, "sql/roles.sql") })
    local users = {}
    for _, may in ipairs { "read", "append", "consume", "nothing" } do
      users[#users + 1] = ("create role %s_%s_user login;"):format(PREFIX, may)
      users[#users + 1] = may ~= "nothing" and ("grant %s_%s to %s_%s_user;"):format(PREFIX, may, PREFIX, may) or ""
    end
    database.query(db, table.concat(users) .. ([[
      select fstore.register_decider_event('Order', 'Placed', ''), fstore.register_decider_event('Other', 'Placed', '');
      insert into fstore.append_grants values ('Order', '%s_append_user');
      select fstore.register_view('orders', '-infinity');
      select fstore.append_event('Placed', gen_random_uuid(), 'Other', '%s', '{"secret": 1}', gen_random_uuid(), null);
    ]]):format(PREFIX, FOREIGN))
  end)

  teardown(function()
    for _, connection in pairs(connections) do
      connection:close()
    end
    database.drop(db)
    for _, may in ipairs { "read", "append", "consume", "nothing" } do
      database.query(database.server(), ("drop role if exists %s_%s, %s_%s_user"):format(PREFIX, may, PREFIX, may))
    end
  end)

  it("let an appender append to its own deciders and read their streams", function()
    local conn = as("append")
    local first = assert(conn:append_events { event() })[1]
    assert(conn:append_events { event { previous_id = first.event_id }, event { decider_id = core.uuid.v4() } })
    assert.equal(2, #assert(conn:get_streams("Order", { STREAM })))
    assert.equal("Order", assert(conn:get_last_event(STREAM, "Order")).decider)
    local count = 0
    for _ in conn:get_events(STREAM, "Order") do
      count = count + 1
    end
    assert.equal(2, count)
  end)

  it("keep the errors of the store for an appender", function()
    local stored, err = as("append"):append_events { event { decider_id = core.uuid.v4(), event = "Plaecd" } }
    assert.is_nil(stored)
    assert.equal("unknown_event", err.kind)
    assert(as("append"):append_events { event { decider_id = FOREIGN } }) -- the id of a foreign stream is no matter
  end)

  it("keep an appender from other deciders, and tell it nothing of them", function()
    local conn = as("append")
    local foreign = event { decider = "Other", decider_id = FOREIGN }
    for _, list in ipairs { { foreign }, { event { decider_id = core.uuid.v4() }, foreign } } do
      local stored, err = conn:append_events(list)
      assert.is_nil(stored)
      assert.equal("42501", err.sqlstate)
      assert.is_nil(err.detail)
    end
    for _, sql in ipairs {
      "select * from fstore.get_events($1, 'Other')", "select * from fstore.get_last_event($1, 'Other')",
      "select * from fstore.get_streams(array[$1::uuid], 'Other')",
    } do
      denied("append", sql, FOREIGN)
    end
    denied("append", "select * from fstore.get_events($1, null)", FOREIGN)
    denied("append", "select * from fstore.read_events()")
    denied("append", "select * from fstore.view_status()")
  end)

  it("let an appender ask for what is registered already, and register nothing", function()
    local ask = "select * from fstore.register_decider_events($1, array[$2], array[''], array[1])"
    assert.equal(0, #assert(as("append"):exec(ask, "Order", "Placed")))
    denied("append", ask, "Order", "Shipped")
    denied("append", ask, "Other", "Placed")
    denied("append", "select * from fstore.register_decider_event('Order', 'Shipped', '')")
  end)

  it("let a consumer lease, ack, nack and read", function()
    local conn = as("consume")
    local leased = assert(conn:lease_events("orders"))
    assert.is_true(#leased > 0)
    local nack = { decider_id = leased[1].decider_id, token = leased[1].token }
    assert.equal(1, assert(conn:nack_events("orders", { nack })))
    local again = assert(conn:stream_events("orders", { limit = 1 }))[1]
    assert(conn:ack_event("orders", again.decider_id, again.offset))
    assert(conn:schedule_nack_event("orders", again.decider_id, 1))
    assert(conn:nack_event("orders", again.decider_id))
    assert.is_true(#assert(conn:read_events {}) > 0)
    assert.equal(1, #assert(conn:exec("select * from fstore.view_status()")))
    assert.equal("Other", assert(conn:get_last_event(FOREIGN, "Other")).decider)
    assert(conn:exec("select fstore.arm_wake_up()"))
    assert(conn:exec("select fstore.disarm_wake_up()"))
  end)

  it("let a consumer ask for a view as it is registered, and change none", function()
    local ask = "select * from fstore.register_view($1, $2::timestamptz, $3)"
    assert.equal(1, #assert(as("consume"):exec(ask, "orders", "-infinity", 300)))
    assert.equal(1, #assert(as("consume"):exec("select * from fstore.register_view('orders')")))
    denied("consume", ask, "another", "-infinity", 300)
    denied("consume", ask, "orders", "2020-01-01", 300)
    denied("consume", ask, "orders", "-infinity", 1)
    denied("consume", "select * from fstore.register_view('orders', v_edge_function_url => 'http://evil')")
    denied("consume", "select fstore.position_view('orders', '-infinity')")
    denied("consume", "select * from fstore.append_events('{}', '{}', '{}', '{}', '{}', '{}', '{}')")
  end)

  it("let a reader read, and no more", function()
    assert.is_true(#assert(as("read"):read_events {}) > 0)
    assert.equal("Other", assert(as("read"):get_last_event(FOREIGN, "Other")).decider)
    denied("read", "select * from fstore.lease_events('orders')")
    denied("read", "select * from fstore.append_events('{}', '{}', '{}', '{}', '{}', '{}', '{}')")
  end)

  it("keep everybody from the tables, their triggers and the schema", function()
    local forbidden = {}
    for name in ("events deciders views locks commands fstore_migrations access_roles append_grants"):gmatch("%S+") do
      for _, sql in ipairs {
        "select * from %s", "truncate %s", "alter table %s disable trigger all", "drop table %s",
        "create trigger t before insert on %s for each row execute function fstore.refuse_truncate()",
        "do $$ begin lock table %s; end $$", "create rule r as on insert to %s do instead nothing",
      } do
        forbidden[#forbidden + 1] = sql:format("fstore." .. name)
      end
    end
    table.move({
      "delete from fstore.locks", "insert into fstore.events select * from fstore.events",
      "update fstore.locks set last_offset = 0",
      "insert into fstore.append_grants values ('Other', current_user::regrole)",
      "select nextval('fstore.events_offset_seq')", "select setval('fstore.locks_token_seq', 1)",
      "create table fstore.mine ()", "create function fstore.now() returns timestamptz language sql as 'select null'",
      "create or replace function fstore.invoker() returns name language sql as $$ select 'postgres'::name $$",
      "set session_replication_role = replica", "alter function fstore.append_event security invoker",
      "select * from fstore.repair_locks()", "select * from fstore.repair_guards()",
      "select * from fstore.stream_faults()",
      "select * from fstore.append_event_unguarded('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', "
        .. "gen_random_uuid(), null)",
    }, 1, 15, #forbidden + 1, forbidden)
    for _, may in ipairs { "read", "append", "consume", "nothing" } do
      for _, sql in ipairs(forbidden) do
        denied(may, sql)
      end
    end
  end)

  it("give somebody else no way in", function()
    denied("nothing", "select * from fstore.get_events($1, 'Order')", STREAM)
    denied("nothing", "select * from fstore.lease_events('orders')")
    denied("append", ("set role %s_consume"):format(PREFIX))
  end)

  it("count for who SET ROLE says, too", function()
    local owner <close> = assert(core.connect(db))
    assert(owner:exec(("set role %s_append_user"):format(PREFIX)))
    local _, err = owner:exec("select * from fstore.get_events($1, 'Other')", FOREIGN)
    assert.equal("42501", err.sqlstate)
    assert(owner:exec("reset role"))
    assert.equal(1, #assert(owner:exec("select * from fstore.get_events($1, 'Other')", FOREIGN)))
  end)

  it("stay as they are when the store is upgraded, or the script is run again", function()
    local function state()
      return database.query(db, [[
        select p.oid::regprocedure, p.prosecdef, p.proacl::text, md5(p.prosrc) from pg_proc as p
        where p.pronamespace = 'fstore'::regnamespace order by p.oid]])
    end
    local before = state()
    assert.same({ 0, "" }, { psql_file(db, "sql/install.sql") })
    assert.equal(before, state())
    assert.same({ 0, "" }, { psql_file(db, "sql/roles.sql") })
    assert.equal(before, state())
  end)

  it("are refused in a schema where everybody may create functions", function()
    local code, output = psql_file(db, "sql/roles.sql", "-v", "schema=open")
    assert.equal(3, code)
    assert.matches("holds no store", output)
    database.query(db, "grant create on schema fstore to public")
    code, output = psql_file(db, "sql/roles.sql")
    database.query(db, "revoke create on schema fstore from public")
    assert.equal(3, code)
    assert.matches("everybody may create", output)
  end)

  it("leave no function of ours without a comment", function()
    assert.equal("", database.query(db, [[
      select p.oid::regprocedure from pg_proc as p
      where p.pronamespace = 'fstore'::regnamespace and obj_description(p.oid, 'pg_proc') is null]]))
  end)
end)
