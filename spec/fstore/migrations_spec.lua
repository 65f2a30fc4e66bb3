-- Installing and upgrading the store from Lua.
local core = require "fstore.core"
local database = require "spec.support.database"
local files = require "fstore.files"
local host = require "spec.support.host"
local migrations = require "fstore.migrations"

describe("migrations", function()
  local db, connection
  before_each(function()
    db = database.fresh { empty = true }
    connection = assert(core.connect(db))
  end)
  after_each(function()
    connection:close()
    database.drop(db)
  end)

  -- A description of the schema, as pg_dump gives it.
  local function dump(conninfo)
    local result = host.shell(("pg_dump -s -n fstore -d '%s' | grep -v '^.restrict\\|^.unrestrict'"):format(conninfo))
    assert.equal(0, result.code)
    return result.out
  end

  it("reads the same list as psql, and every file of it is there", function()
    local list = migrations.list()
    assert.is_true(#list > 20)
    for _, name in ipairs(list) do
      assert.is_string(files.read(files.sql_dir() .. "/" .. name))
    end
  end)

  it("installs what psql installs", function()
    assert.is_false(migrations.installed(connection))
    local applied = assert(migrations.run(connection))
    assert.equal(1, applied[1])
    assert.is_true(migrations.installed(connection))
    assert.equal(dump(database.fresh()), dump(db))
  end)

  it("applies nothing twice, and puts a function right that was changed", function()
    assert(migrations.run(connection))
    local before = dump(db)
    database.query(db, "create or replace function fstore.wake_up() returns void language sql as ''")
    database.query(db, "drop trigger t_check_event_row on fstore.events")
    assert.same({}, migrations.run(connection))
    assert.equal(before, dump(db))
  end)

  it("leaves nothing behind when it fails", function()
    database.query(db, "create schema fstore; create table fstore.events (n int)")
    local applied, err = migrations.run(connection)
    assert.is_nil(applied)
    assert.is_string(err.kind)
    assert.matches("in [%w_/]+%.sql", err.detail)
    assert.equal("idle", connection:status())
    assert.equal("events", database.query(db, [[
      select string_agg(relname, ' ') from pg_class where relnamespace = 'fstore'::regnamespace and relkind = 'r']]))
  end)

  it("refuses a store that is newer than the program", function()
    assert(migrations.run(connection))
    database.query(db, "insert into fstore.fstore_migrations (version, name) values (9999, '9999_from_the_future')")
    local applied, err = migrations.run(connection)
    assert.is_nil(applied)
    assert.equal("newer_schema", err.kind)
  end)

  it("is the caller's bug inside a transaction", function()
    connection:exec("BEGIN")
    assert.error_matches(function() migrations.run(connection) end, "outside of a transaction")
  end)

  it("says that the connection is gone", function()
    connection:close()
    assert.has_error(function() assert(migrations.installed(connection)) end)
  end)
end)
