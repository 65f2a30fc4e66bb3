-- `fstore-lua handle` with a stream of commands: lines good and bad, their numbers, --keep-going, long inputs.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

local COUNTER <const> = "spec/host/scripts/counter.lua"

local function add(id, n)
  return host.commands { decider_id = id, command = "Add", data = { n = n } }
end

describe("handle, with a stream of commands", function()
  local db
  setup(function()
    db = database.fresh()
  end)

  local function handle(input, ...)
    return host.run({ "handle", COUNTER, ... }, { db = db, input = input })
  end

  local function numbers(result)
    local list = {}
    for index, event in ipairs(result:rows()) do
      list[index] = event.data.n
    end
    return list
  end

  it("prints the stored events in order and sums up", function()
    local result = handle(add("a", 1) .. add("b", 2) .. add("a", 3))
    assert.equal(0, result.code)
    assert.same({ 1, 2, 3 }, numbers(result))
    assert.equal("3 handled, 0 refused, 0 failed\n", result.err)
    local first, _, third = table.unpack(result:rows())
    assert.equal(first.event_id, third.previous_id)
  end)

  it("takes empty input, blank lines, CRLF, a byte order mark and no newline at the end", function()
    local function takes(expected, input)
      local result = handle(input)
      assert.equal(0, result.code)
      assert.same(expected, numbers(result))
    end
    takes({}, "")
    takes({}, "\n  \n\r\n")
    takes({ 1, 2 }, add("f", 1):gsub("\n", "\r\n") .. "\r\n" .. add("f", 2):gsub("\n", "\r\n"))
    takes({ 1 }, "\u{FEFF}" .. add("f", 1))
    takes({ 1, 2 }, add("f", 1) .. add("f", 2):gsub("\n", ""))
  end)

  it("takes null for a key that may be missing", function()
    local result = handle('{"decider_id":"n","command":"Close","command_id":null,"data":null}\n')
    assert.equal(0, result.code)
    assert.is_true(core.uuid.is_uuid(result:rows()[1].command_id))
  end)

  it("takes a line of 10 MB", function()
    local text = ("y"):rep(10000000)
    local result = handle(host.commands { decider_id = "big", command = "Add", data = { n = 1, text = text } })
    assert.equal(0, result.code)
    assert.equal(text, result:rows()[1].data.text)
  end)

  it("makes the same decider of a business key, its UUID, and that in upper case", function()
    local id = ids.decider_id("Counter", "keyed")
    local result = handle(add("keyed", 1) .. add(id, 2) .. add(id:upper(), 3))
    local stored = database.query(db, ("select count(*) from fstore.events where decider_id = '%s'"):format(id))
    assert.equal(0, result.code)
    assert.equal("3", stored)
  end)

  describe("when a line is bad", function()
    local function is_bad(pattern, line)
      local result = handle(line .. "\n" .. add("bad", 1))
      assert.equal(2, result.code)
      assert.matches("^line 1: bad line: " .. pattern, result.err)
      assert.matches("\n0 handled, 0 refused, 1 failed\n$", result.err)
      assert.equal("", result.out)
    end

    it("says so with its number and exits 2", function()
      is_bad("not JSON: .*%(column 28%)\n", '{"decider_id":"a","command":')
      is_bad("not a JSON object\n", "[1]")
      is_bad("not a JSON object\n", "null")
      is_bad("not JSON: .*0xff", '{"decider_id":"a\xff","command":"Add"}')
      is_bad("decider_id must be", '{"decider_id":1,"command":"Add"}')
      is_bad("decider_id must be", '{"command":"Add"}')
      is_bad("command must be", '{"decider_id":"a","command":{}}')
      is_bad("command_id must be a UUID", '{"decider_id":"a","command":"Add","command_id":"x"}')
      is_bad('unknown key "comand_id"', '{"decider_id":"a","command":"Add","comand_id":"x"}')
      is_bad('decider Counter knows no command "Nope"\n  hint: ', '{"decider_id":"a","command":"Nope"}')
    end)

    it("stores what comes before it and nothing behind", function()
      local result = handle(add("p", 1) .. add("p", 2) .. "{\n" .. add("p", 3))
      assert.equal(2, result.code)
      assert.same({ 1, 2 }, numbers(result))
      assert.matches("^line 3: bad line", result.err)
      assert.matches("\n2 handled, 0 refused, 1 failed\n$", result.err)
      assert.equal("2", database.query(db, ("select count(*) from fstore.events where decider_id = '%s'"):format(
        ids.decider_id("Counter", "p"))))
    end)

    it("goes on with --keep-going", function()
      local result = handle(add("k", 1) .. "{\n" .. add("k", "x") .. add("k", 2), "--keep-going")
      assert.same({ 1, 2 }, numbers(result))
      assert.matches("line 2: bad line: .*line 3: refused: n must be an integer\n2 handled, 1 refused, 1 failed\n$",
        result.err)
    end)
  end)

  it("exits with the worst code of all lines", function()
    local function exits(code, ...)
      local input = {}
      for index, name in ipairs { ... } do
        local command = { decider_id = "w" .. code, command = name, data = { n = name == "Add" and "x" or 1 } }
        input[index] = name == "bad" and "{\n" or host.commands(command)
      end
      assert.equal(code, handle(table.concat(input), "--keep-going").code)
    end
    exits(0, "DoNothing")
    exits(1, "Add", "DoNothing")
    exits(2, "Add", "bad", "Add")
    exits(3, "bad", "Close", "AddTwice", "Add")
    exits(5, "Raise", "bad", "Close", "AddTwice")
  end)

  it("answers each command to a closed stream by itself", function()
    local close = host.commands { decider_id = "c", command = "Close" }
    local result = handle(add("c", 1) .. close .. add("c", 2) .. add("d", 3) .. close, "--keep-going")
    assert.equal(3, result.code)
    local first, second, third = table.unpack(result:rows())
    assert.same({ "Added", "Closed", "Added" }, { first.event, second.event, third.event })
    assert.matches("line 3: final: .*line 5: final: .*3 handled, 0 refused, 2 failed\n$", result.err)
  end)

  it("numbers the lines of a long stream right", function()
    local lines = {}
    for number = 1, 1800 do
      lines[number] = number % 7 == 0 and "\n" or add("long-" .. number % 50, number)
    end
    lines[499], lines[500], lines[501], lines[1003] = add("long-1", "x"), "{\n", add("long-1", "x"), "{\n"
    lines[1500] = host.commands { decider_id = "long-9", command = "Raise" }
    local result, reported = handle(table.concat(lines), "--keep-going"), {}
    for number in result.err:gmatch("line (%d+): ") do
      reported[#reported + 1] = tonumber(number)
    end
    assert.equal(5, result.code)
    assert.same({ 499, 500, 501, 1003, 1500 }, reported)
    local expected = {}
    for number, line in ipairs(lines) do
      if line:find('"n":%d') then
        expected[#expected + 1] = number
      end
    end
    assert.same(expected, numbers(result))
  end)

  it("decides on a decider of 10,000 events", function()
    assert.equal(0, handle(add("deep", 1):rep(10000)).code)
    assert.equal(0, handle(add("deep", 5)).code)
    local state = host.run({ "state", COUNTER, "deep" }, { db = db })
    assert.same({ { sum = 10005, count = 10001 } }, state:rows())
  end)
end)
