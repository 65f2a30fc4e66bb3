-- `fstore-lua park`: a partition is set aside by hand, and `views --parked` shows it.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

local COUNTER <const>, SUMS <const> = "spec/host/scripts/counter.lua", "spec/host/scripts/sums.lua"

describe("park", function()
  local db
  setup(function()
    db = database.fresh()
    assert.equal(0, host.run({ "project", "--once", SUMS }, { db = db }).code)
    for _, id in ipairs { "a", "b", "c" } do
      host.run({ "handle", COUNTER, "--id", id, "--command", "Add", "--data", '{"n": 1}' }, { db = db })
    end
  end)
  after_each(function()
    database.query(db, "select fstore.resume_events('sums')")
  end)

  local function run(...)
    return host.run({ ... }, { db = db })
  end

  local function key(text)
    return ids.decider_id("Counter", text)
  end

  it("sets a partition aside, by id or by business key; the rest goes on", function()
    assert.same({ 0, "", ("view sums: parked %s\n"):format(key "a") }, (function(result)
      return { result.code, result.out, result.err }
    end)(run("park", "sums", key("a"):upper())))
    assert.equal(0, run("park", "sums", "b", "--decider", "Counter", "--reason", "waits for a ruling").code)
    assert.matches("^1 events handled, 0 failures\n", run("project", "--once", SUMS).err)
    local row = run("views", "sums"):rows()[1]
    assert.same({ 0, 2 }, { row.pending_events, row.parked_partitions })
  end)

  it("shows what is parked, as NDJSON and as a table", function()
    assert.equal("nothing is parked\n", run("views", "--parked").err)
    run("park", "sums", key "a")
    run("park", "sums", key "b", "--reason", "waits for a ruling\nof the court")
    local rows = run("views", "--parked", "sums"):rows()
    assert.same({ key "a", 1, "Added" }, { rows[1].decider_id, rows[1].offset, rows[1].event })
    assert.same({ key "b", 2, 0, "Counter", "waits for a ruling\nof the court" },
      { rows[2].decider_id, rows[2].offset, rows[2].attempts, rows[2].decider, rows[2].last_error })
    assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z$", rows[2].parked_at)
    assert.is_true(core.uuid.is_uuid(rows[2].event_id))
    local shown = host.on_terminal("views --parked", { db = db })
    assert.matches("^view  decider_id +attempts  parked at +offset  event  error\n", shown.out)
    assert.matches("\nsums  %x+%-[%x-]+ +0  20[^\n]+ 2  Added  waits for a ruling\n", shown.out)
    assert.equal(1, run("views", "--parked", "nobody").code)
  end)

  it("keeps the error of a handler that failed", function()
    local id = key "poison"
    run("handle", COUNTER, "--id", "poison", "--command", "Add", "--data", '{"n": 1, "text": "poison"}')
    assert.equal(5, run("project", "--once", SUMS).code)
    run("park", "sums", id)
    local row = run("views", "--parked"):rows()[1]
    assert.matches("cannot swallow this", row.last_error)
    assert.equal(1, row.attempts)
  end)

  it("may be repeated", function()
    run("park", "sums", key "a", "--reason", "once")
    local result = run("park", "sums", key "a", "--reason", "twice")
    assert.same({ 0, ("view sums: %s is parked already\n"):format(key "a") }, { result.code, result.err })
    assert.equal("once", run("views", "--parked"):rows()[1].last_error)
  end)

  it("says what is not there", function()
    local function is_wrong(code, message, ...)
      local result = run("park", ...)
      assert.same({ code, message }, { result.code, result.err })
    end
    local nobody = core.uuid.v4()
    is_wrong(1, "no view nobody is registered\n", "nobody", nobody)
    is_wrong(1, ("view sums has no partition %s\n"):format(nobody), "sums", nobody)
    is_wrong(2, "fstore-lua: a is a business key: name its decider with --decider\n", "sums", "a")
  end)
end)
