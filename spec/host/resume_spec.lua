-- `fstore-lua resume`: parked partitions are taken back, in order, or behind the event that they stopped at.
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

local COUNTER <const>, SUMS <const> = "spec/host/scripts/counter.lua", "spec/host/scripts/sums.lua"

describe("resume", function()
  local db

  local function run(...)
    return host.run({ ... }, { db = db })
  end

  local function key(text)
    return ids.decider_id("Counter", text)
  end

  local function add(id, n, text)
    host.run({ "handle", COUNTER }, { db = db, input = host.commands {
      decider_id = id, command = "Add", data = { n = n, text = text } } })
  end

  local function sum(id)
    return database.query(db, ("select sum from fstore.sums where id = '%s'"):format(key(id)))
  end

  before_each(function()
    db = database.fresh()
    run("project", "--once", SUMS)
    add("a", 1)
    add("b", 1, "poison")
    add("b", 2)
    for _, id in ipairs { "a", "b" } do
      assert.equal(0, run("park", "sums", id, "--decider", "Counter").code)
    end
  end)
  after_each(function()
    database.drop(db)
  end)

  it("takes one back, and no other", function()
    local result = run("resume", "sums", "a", "--decider", "Counter")
    assert.same({ 0, ("view sums: resumed %s\n"):format(key "a") }, { result.code, result.err })
    assert.matches("^1 events handled, 0 failures\n", run("project", "--once", SUMS).err)
    assert.equal(key "b", run("views", "--parked"):rows()[1].decider_id)
  end)

  it("skips the event at fault; those behind it follow", function()
    local result = run("resume", "sums", key "b", "--skip")
    assert.same({ 0, ("view sums: resumed %s behind Added at offset 2, which it never handles\n"):format(key "b") },
      { result.code, result.err })
    assert.equal(0, run("project", "--once", SUMS).code)
    assert.equal("2", sum "b")
  end)

  it("takes all back", function()
    assert.same({ 0, "view sums: resumed 2 partitions\n" }, (function(result)
      return { result.code, result.err }
    end)(run("resume", "sums", "--all")))
    assert.equal(5, run("project", "--once", SUMS).code) -- the poison is poison still
    assert.equal("1", sum "a")
    assert.equal("view sums: resumed 0 partitions\n", run("resume", "sums", "--all").err)
  end)

  it("lets a host at work go on with it", function()
    local running = host.start({ "project", SUMS }, { db = db })
    run("resume", "sums", key "a")
    host.wait_for(function() return sum "a" == "1" end, "the projection")
    running:signal("sigterm")
    assert.equal(0, running:wait().code)
  end)

  it("says what is wrong", function()
    local function is_wrong(code, pattern, ...)
      local result = run("resume", ...)
      assert.equal(code, result.code)
      assert.matches(pattern, result.err)
    end
    is_wrong(1, "^no view nobody is registered\n$", "nobody", "--all")
    is_wrong(1, "^view sums has no parked partition ", "sums", key "c")
    is_wrong(2, "name a partition, or all of them with %-%-all\n  hint: ", "sums")
    is_wrong(2, "name a partition, or all of them with %-%-all\n  hint: ", "sums", key "a", "--all")
    is_wrong(2, "%-%-skip goes with one partition", "sums", "--all", "--skip")
    is_wrong(2, "a is a business key", "sums", "a")
  end)
end)
