-- `fstore-lua events`: filters, limits, pipes, tables.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

describe("events", function()
  local db, handled
  setup(function()
    db = database.fresh()
    local lines = {}
    for number = 1, 2500 do
      lines[number] = host.commands { decider_id = "c-" .. number % 5, command = "Add", data = { n = number } }
    end
    handled = host.run({ "handle", "spec/host/scripts/counter.lua" }, { db = db, input = table.concat(lines) }):rows()
    database.query(db, [[
      select fstore.register_decider_event('Other', 'Happened', 'something happened');
      select fstore.append_event('Happened', gen_random_uuid(), 'Other', gen_random_uuid(), '{}', gen_random_uuid(),
        null)]])
  end)

  local function events(...)
    return host.run({ "events", ... }, { db = db })
  end

  local function offsets(...)
    local list = {}
    for index, event in ipairs(events(...):rows()) do
      list[index] = event.offset
    end
    return list
  end

  it("prints what was stored, as handle did", function()
    local result = events("--decider", "Counter")
    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.same(handled, result:rows())
  end)

  it("prints all of the log", function()
    assert.equal(2501, #offsets())
  end)

  it("prints a part of it", function()
    assert.same({ 1, 2, 3 }, offsets("--limit", "3"))
    assert.same({}, offsets("--limit", "0"))
    assert.same({ 2499, 2500, 2501 }, offsets("--after", "2498"))
    assert.same({ 1000, 1001 }, offsets("--after", "999", "--limit", "2"))
    assert.equal(2001, #offsets("--limit", "2001"))
    assert.same({ 2501 }, offsets("--decider", "Other"))
    assert.same({}, offsets("--decider", "Nobody"))
  end)

  it("prints one stream, by business key or by UUID of either case", function()
    local id = ids.decider_id("Counter", "c-3")
    assert.same({ 3, 8 }, offsets("--decider", "Counter", "--id", "c-3", "--limit", "2"))
    assert.same({ 3, 8 }, offsets("--id", id, "--limit", "2"))
    assert.same({ 3, 8 }, offsets("--decider", "Counter", "--id", id:upper(), "--limit", "2"))
    assert.same({}, offsets("--decider", "Other", "--id", id))
    assert.same({}, offsets("--id", core.uuid.v4()))
  end)

  it("asks for the decider of a business key", function()
    local result = events("--id", "c-3")
    assert.equal(2, result.code)
    assert.matches("name its decider with %-%-decider", result.err)
  end)

  it("refuses numbers that are none", function()
    for _, argument in ipairs { "--limit=x", "--limit=-1", "--after=1.5", "--after=99999999999999999999" } do
      local result = events(argument)
      assert.equal(2, result.code)
      assert.matches("^fstore%-lua: '[^\n]*' is no whole number from 0 on\n", result.err)
    end
  end)

  it("ends in silence when its reader goes", function()
    local result = host.shell("{ $FSTORE events; echo code $? >&2; } | head -n 1", { db = db })
    assert.same({ handled[1] }, result:rows())
    assert.equal("code 0\n", result.err)
  end)

  it("says that stdout is full", function()
    local result = host.shell("$FSTORE events > /dev/full", { db = db })
    assert.equal(2, result.code)
    assert.equal("fstore-lua: stdout: No space left on device\n", result.err)
  end)

  it("shows a table on a terminal, cut to its width, and NDJSON with --json", function()
    local shown = host.on_terminal("events --limit 2", { db = db })
    local heading, first, second = shown.out:match("^([^\n]*)\n([^\n]*)\n([^\n]*)\n$")
    assert.equal(0, shown.code)
    assert.matches("^offset  created_at +decider +decider_id +event +data$", heading)
    assert.matches("^     1  20%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d  Counter  %x[%x-]+  Added  {\"n\": 1}$", first)
    assert.matches("^     2 ", second)
    assert.same(handled[1], host.on_terminal("--json events --limit 1", { db = db }):rows()[1])
  end)

  it("cuts a table to the width of the terminal", function()
    local wide = database.fresh()
    host.run({ "handle", "spec/host/scripts/counter.lua" }, { db = wide, input = host.commands {
      decider_id = "wide", command = "Add", data = { n = 1, text = ("ä\n"):rep(200) } } })
    local lines = {}
    for line in host.on_terminal("events", { db = wide }).out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    assert.equal(2, #lines)
    assert.equal(120, utf8.len(lines[2]))
    assert.matches("…$", lines[2])
  end)
end)
