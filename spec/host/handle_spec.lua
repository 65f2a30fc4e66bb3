-- `fstore-lua handle` with one command, and what can be wrong with scripts, commands and databases.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

local COUNTER <const> = "spec/host/scripts/counter.lua"

describe("handle, with one command", function()
  local db
  setup(function()
    db = database.fresh()
  end)

  local function handle(...)
    return host.run({ "handle", ... }, { db = db })
  end

  local function command(name, data, ...)
    return handle(COUNTER, "--id", "one", "--command", name, "--data", core.json.encode(data), ...)
  end

  local function count()
    return database.query(db, "select count(*) from fstore.events")
  end

  local function stores_nothing(run, ...)
    local before = count()
    local result = run(...)
    assert.equal(before, count())
    assert.equal("", result.out)
    return result
  end

  it("prints the stored event and says nothing else", function()
    local command_id = core.uuid.v4()
    local result = handle(COUNTER, "--id", "first", "--command", "Add", "--data", '{"n":7}', "--command-id", command_id)
    local event = result:rows()[1]
    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.equal(1, #result:rows())
    assert.same({ n = 7 }, event.data)
    assert.equal("Added", event.event)
    assert.equal(ids.decider_id("Counter", "first"), event.decider_id)
    assert.equal(command_id, event.command_id)
    assert.equal(event.event_id,
      database.query(db, ('select event_id from fstore.events where "offset" = %d'):format(event.offset)))
  end)

  it("takes a command without data", function()
    assert.equal(0, handle(COUNTER, "--id", "plain", "--command", "Close").code)
  end)

  it("takes a UUID in upper case for the same decider", function()
    local id = core.uuid.v4()
    handle(COUNTER, "--id", id, "--command", "Add", "--data", '{"n":1}')
    local second = handle(COUNTER, "--id", id:upper(), "--command", "Add", "--data", '{"n":2}'):rows()[1]
    assert.equal(id, second.decider_id)
    assert.is_string(second.previous_id)
  end)

  it("prints nothing for a command that leads to no events", function()
    local result = stores_nothing(command, "DoNothing", {})
    assert.equal(0, result.code)
    assert.equal("", result.err)
  end)

  it("exits 1 with the domain's reason when it refuses", function()
    local result = stores_nothing(command, "Add", { n = "x" })
    assert.equal(1, result.code)
    assert.equal("fstore-lua: refused: n must be an integer\n", result.err)
  end)

  it("exits 3 when the stream is closed", function()
    handle(COUNTER, "--id", "closed", "--command", "Close")
    local result = stores_nothing(handle, COUNTER, "--id", "closed", "--command", "Add", "--data", '{"n":1}')
    assert.equal(3, result.code)
    assert.matches("^fstore%-lua: final: ", result.err)
  end)

  describe("when the command is wrong", function()
    local function is_usage(pattern, ...)
      local result = stores_nothing(handle, COUNTER, ...)
      assert.equal(2, result.code)
      assert.matches(pattern, result.err)
    end

    it("exits 2 and says what is wrong", function()
      is_usage("knows no command \"Subtract\"\n  hint: it knows: Add, AddCycle,", "--id", "a", "--command", "Subtract")
      is_usage("%-%-data: not JSON: .*%(column 5%)", "--id", "a", "--command", "Add", "--data", '{"n":')
      is_usage("command_id must be a UUID", "--id", "a", "--command", "Add", "--command-id", "7")
      is_usage("decider_id must be", "--id", "", "--command", "Add")
      is_usage("%-%-id and %-%-command go together", "--id", "a")
      is_usage("%-%-id and %-%-command go together", "--command", "Add")
      is_usage("%-%-id and %-%-command go together", "--data", "{}")
    end)
  end)

  describe("when the script is wrong", function()
    local function fails(pattern, run, ...)
      local result = stores_nothing(run, ...)
      assert.equal(5, result.code)
      assert.matches(pattern, result.err)
      assert.not_matches("traceback", result.err)
      return result
    end

    it("names the file and the line of what a decider raises", function()
      fails("^fstore%-lua: script: spec/host/scripts/counter%.lua:27: a wheel came off\n$", command, "Raise", {})
    end)

    it("shows a traceback with -v", function()
      local result = host.run({ "-v", "handle", COUNTER, "--id", "a", "--command", "Raise" }, { db = db })
      assert.matches("a wheel came off\nstack traceback:.*counter%.lua:27: in ", result.err)
    end)

    it("reports values that decide must not return", function()
      fails("decide%.ReturnText .*return a list of events", command, "ReturnText", {})
      fails("\"Invented\"", command, "InventEvent", {})
      fails("NaN", command, "AddNan", {})
      fails("list%[2%]: function", command, "AddFunction", {})
      fails("within itself", command, "AddCycle", {})
    end)

    it("reports files that are no deciders", function()
      local function is_reported(pattern, path)
        fails(pattern, handle, path, "--id", "a", "--command", "Add")
      end
      is_reported("nowhere%.lua: No such file or directory\n$", "nowhere.lua")
      is_reported("^fstore%-lua: spec: Is a directory\n$", "spec")
      is_reported("syntax%.lua:2: unexpected symbol", host.file("syntax.lua", "\nreturn )"))
      is_reported("raises%.lua:1: no luck", host.file("raises.lua", "error 'no luck'"))
      is_reported("number%.lua: the script must return a decider[^\n]*\n  hint: ", host.file("number.lua", "return 7"))
      is_reported("it is a view: use `fstore%-lua project`", "spec/host/scripts/sums.lua")
      is_reported("unknown option \"decides\"",
        host.file("key.lua", "return require 'fstore'.decider { name = 'A', decides = {} }"))
    end)

    it("shows the table that a script raised", function()
      fails("{\"code\":7}", handle, host.file("raised.lua", "error { code = 7 }"))
    end)
  end)

  describe("when the database is not there", function()
    local function is_unreachable(pattern, arguments)
      local result = host.run(arguments)
      assert.equal(4, result.code)
      assert.matches(pattern, result.err)
      assert.equal("", result.out)
      return result
    end

    it("exits 4 with one line", function()
      local result = is_unreachable("^fstore%-lua: cannot reach the database: .*No such file or directory\n$",
        { "--db", "host=/nowhere", "handle", COUNTER })
      assert.equal(1, select(2, result.err:gsub("\n", "")))
      is_unreachable("cannot reach the database: .*refused",
        { "--db", "postgresql://127.0.0.1:1/x", "handle", COUNTER })
    end)

    it("exits 4 when the URL is none", function()
      is_unreachable("nonsense", { "--db", "postgresql://127.0.0.1:1/x?nonsense=1", "handle", COUNTER })
    end)

    it("hints at init when the schema is missing", function()
      is_unreachable("^fstore%-lua: schema \"other\" holds no store\n  hint: run `fstore%-lua init`",
        { "--db", db, "--schema", "other", "handle", COUNTER })
      is_unreachable("hint: run `fstore%-lua init`", { "--db", database.fresh { empty = true }, "handle", COUNTER })
    end)
  end)
end)
