-- `fstore-lua init`: twice, by two at once, into odd places, with every way to name a database.
local database = require "spec.support.database"
local host = require "spec.support.host"

describe("init", function()
  local db
  before_each(function()
    db = database.fresh { empty = true }
  end)
  after_each(function()
    database.drop(db)
  end)

  local function works_in(schema, options)
    assert.equal("1", database.query(db, ([[
      set search_path = "%s"; select count(*) from register_decider_event('D', 'E', 'text')]]):format(schema)))
    local result = host.run({
      "--schema", schema, "handle", "spec/host/scripts/counter.lua",
      "--id", "a", "--command", "Add", "--data", '{"n":1}',
    }, options or { db = db })
    assert.equal("", result.err)
    assert.equal(0, result.code)
  end

  it("installs the store, and says that it is there when run again", function()
    local first, second = host.run({ "init" }, { db = db }), host.run({ "init" }, { db = db })
    assert.same({ 0, "" }, { first.code, first.out })
    assert.matches("^schema fstore is ready %(%d+ migrations applied%)\n$", first.err)
    assert.same({ 0, "schema fstore is up to date\n" }, { second.code, second.err })
    works_in("fstore")
  end)

  it("is run by several at once", function()
    local running, new = {}, 0
    for index = 1, 4 do
      running[index] = host.start({ "init" }, { db = db })
    end
    for _, each in ipairs(running) do
      local result = each:wait()
      assert.equal(0, result.code)
      new = new + (result.err:find("is ready", 1, true) and 1 or 0)
    end
    assert.equal(1, new)
    works_in("fstore")
  end)

  it("installs into public and into a schema with an odd name", function()
    for _, schema in ipairs { "public", "My Schema", "Ünïcode'$" } do
      assert.equal(0, host.run({ "--schema", schema, "init" }, { db = db }).code)
      works_in(schema)
    end
    assert.equal(0, host.run({ "--schema", "My Schema", "views" }, { db = db }).code)
  end)

  it("runs a view of any schema", function()
    host.run({ "--schema", "My Schema", "init" }, { db = db })
    works_in("My Schema")
    local result = host.run({ "--schema", "My Schema", "project", "--once", "spec/host/scripts/sums.lua" }, { db = db })
    assert.equal("1 events handled, 0 failures\n", result.err)
  end)

  it("finds the database by --db before FSTORE_URL, and by libpq's variables", function()
    local socket, port, user, name =
      db:match("host=(%S+)"), db:match("port=(%S+)") or "5432", db:match("user=(%S+)"), db:match("dbname=(%S+)")
    local env = { PGHOST = socket, PGPORT = port, PGUSER = user, PGDATABASE = name }
    assert.equal(0, host.run({ "--db", db, "init" }, { db = "host=/nowhere" }).code)
    works_in("fstore", { env = env })
    assert.equal(4, host.run({ "views" }, { db = "host=/nowhere", env = env }).code)
  end)

  it("tells a user without rights what is missing", function()
    database.query(db, "drop role if exists spec_nobody; create role spec_nobody login")
    local result = host.run({ "--db", db:gsub("user=%S+", "user=spec_nobody"), "init" })
    assert.equal(4, result.code)
    assert.matches("^fstore%-lua: permission denied", result.err)
    database.query(db, "drop role spec_nobody")
  end)
end)
