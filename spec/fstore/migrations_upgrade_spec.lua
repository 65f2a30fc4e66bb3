-- Installing and upgrading, by psql and by the program: versioned, transactional, one at a time, forward only.
local core = require "fstore.core"
local database = require "spec.support.database"
local files = require "fstore.files"
local host = require "spec.support.host"
local migrations = require "fstore.migrations"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

local NEWEST <const> = migrations.newest()

local function write(path, content)
  local file <close> = assert(io.open(path, "w"))
  file:write(content)
end

-- The SQL files of a later release: one migration more, which runs `sql`.
local function later_release(sql)
  local dir = server.folder() .. "/sql"
  assert(process.run { "cp", "-R", files.sql_dir(), dir } == 0)
  local version = NEWEST + 1
  local name = ("migrations/%04d_later.sql"):format(version)
  write(dir .. "/" .. name, "INSERT INTO fstore_migrations (version, name) "
    .. ("VALUES (%d, 'later');\n%s\n"):format(version, sql))
  local preflight = files.read(dir .. "/preflight.sql")
  write(dir .. "/preflight.sql", (preflight:gsub("(newest_here CONSTANT bigint := )%d+", "%1" .. version)))
  local install = files.read(dir .. "/install.sql")
  local step = ("SELECT NOT EXISTS (SELECT FROM fstore_migrations WHERE version = %d) AS missing \\gset\n"
    .. "\\if :missing\n\\ir %s\n\\endif\n\n-- errors"):format(version, name)
  write(dir .. "/install.sql", (install:gsub("\n%-%- errors", function() return step end, 1)))
  return dir
end

local function by_psql(db, dir)
  local code, output = process.run {
    "sh", "-c", 'exec psql "$@" 2>&1', "psql", "-Xqd", db, "-v", "VERBOSITY=verbose", "-f", dir .. "/install.sql" }
  return code == 0, output
end

local function by_program(db, dir)
  local connection <close> = assert(core.connect(db))
  local sql_dir = files.sql_dir
  files.sql_dir = function() return dir end
  local applied, err = migrations.run(connection)
  files.sql_dir = sql_dir
  return applied, err and ("ERROR:  %s: %s"):format(err.sqlstate, err.message)
end

local function state(db)
  return database.query(db, [[
    select version, name from fstore.fstore_migrations order by version;
    select relname, relkind from pg_class where relnamespace = 'fstore'::regnamespace order by 1;
    select oid::regprocedure, md5(prosrc) from pg_proc where pronamespace = 'fstore'::regnamespace order by 1]])
end

for name, install in pairs { ["by psql"] = by_psql, ["by the program"] = by_program } do
  describe("an upgrade " .. name, function()
    after_each(server.sweep)

    it("applies what is missing, once, and keeps the data", function()
      local db = database.fresh()
      database.query(db, "select fstore.register_decider_event('Order', 'Placed', '')")
      local dir = later_release("CREATE TABLE later ();")
      assert(install(db, dir))
      local after = state(db)
      assert.equal(tostring(NEWEST + 1), database.query(db, "select max(version) from fstore.fstore_migrations"))
      assert.equal("1", database.query(db, "select count(*) from fstore.deciders"))
      assert(install(db, dir))
      assert.equal(after, state(db))
    end)

    it("that fails leaves nothing behind", function()
      for _, db in ipairs { database.fresh(), database.fresh { empty = true } } do
        local function everything()
          return database.query(db, "select oid::regclass from pg_class where oid > 16384 order by 1; "
            .. "select nspname from pg_namespace order by 1")
        end
        local before = everything()
        local done, message = install(db, later_release("CREATE TABLE later (); SELECT 1 / 0;"))
        assert.is_falsy(done)
        assert.matches("22012", message)
        assert.equal(before, everything())
      end
    end)

    it("is refused where the store is newer, and changes nothing", function()
      local db = database.fresh()
      assert(install(db, later_release("CREATE TABLE later ();")))
      database.query(db, "create or replace function fstore.wake_up() returns void language plpgsql as 'begin end'")
      local before = state(db)
      local done, message = install(db, files.sql_dir())
      assert.is_falsy(done)
      assert.matches("FS009", message)
      assert.matches(("version %d, newer than these files %%(version %d%%)"):format(NEWEST + 1, NEWEST), message)
      assert.equal(before, state(db))
    end)

    it("applies functions anew", function()
      local db = database.fresh()
      local before = state(db)
      database.query(db, "create or replace function fstore.wake_up() returns void language plpgsql as 'begin end'")
      assert(install(db, files.sql_dir()))
      assert.equal(before, state(db))
    end)

    it("takes no superuser", function()
      local db = database.fresh { empty = true }
      local user = ("installer_%d"):format(uv.os_getpid())
      database.query(db, ("create role %s login; grant create on database %s to %s"):format(
        user, db:match("dbname=(%S+)"), user))
      local done, message = install(db:gsub("user=%w+", "user=" .. user), files.sql_dir())
      local owner = done and database.query(db, "select distinct relowner::regrole from pg_class "
        .. "where relnamespace = 'fstore'::regnamespace")
      database.drop(db)
      database.query(database.server(), "drop role " .. user)
      assert(done, message)
      assert.equal(user, owner)
    end)

    it("waits for another installer, then finds nothing left to do", function()
      local db = database.fresh { empty = true }
      local first <close> = assert(core.connect(db))
      -- The first installer, held before its end.
      assert(first:exec("begin"))
      assert(first:exec("select set_config('fstore.schema', 'fstore', true), set_config('fstore.adopt', 'off', true)"))
      for _, file in ipairs(migrations.list()) do
        assert(first:exec((files.read(files.sql_dir() .. "/" .. file))))
      end
      local second = host.start({ "init" }, { db = db })
      local third = host.start_shell([[exec psql -Xq -d "$FSTORE_URL" -f sql/install.sql]], { db = db })
      assert.is_true(server.eventually(function()
        return database.query(db, "select count(*) from pg_locks where locktype = 'advisory' and not granted") == "2"
      end))
      assert(first:exec("commit"))
      for _, running in ipairs { second, third } do
        running:close_input()
        local result = running:wait()
        assert.equal(0, result.code, result.err)
      end
      assert.equal(tostring(NEWEST), database.query(db, "select count(*) from fstore.fstore_migrations"))
    end)
  end)
end

describe("the program, on a newer store", function()
  it("refuses to install, and says so", function()
    local db = database.fresh()
    database.query(db, "insert into fstore.fstore_migrations values (999, 'to come')")
    local result = host.run({ "init" }, { db = db })
    assert.equal(4, result.code)
    assert.matches("newer", result.err)
    assert.equal("", result.out)
  end)
end)
