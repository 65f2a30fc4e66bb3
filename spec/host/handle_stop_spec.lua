-- How `fstore-lua handle` ends early: signals, readers that go away, closed streams. What it printed is what it stored.
local database = require "spec.support.database"
local host = require "spec.support.host"

local HANDLE <const> = { "handle", "spec/host/scripts/counter.lua" }
local LINE <const> = "$FSTORE handle spec/host/scripts/counter.lua"

local function commands(count)
  local lines = {}
  for number = 1, count do
    lines[number] = ('{"decider_id":"c-%d","command":"AddTwice","data":{"n":%d}}\n'):format(number % 100, number)
  end
  return table.concat(lines)
end

describe("handle, ended early", function()
  local db
  before_each(function()
    db = database.fresh()
  end)
  after_each(function()
    database.drop(db)
  end)

  -- The numbers of the stored commands, each of which led to two events.
  local function stored_commands()
    local rows = database.query(db, [[
      select count(*), count(distinct command_id), coalesce(max((data->>'n')::int), 0) from fstore.events]])
    local events, distinct, last = rows:match("(%d+)|(%d+)|(%d+)")
    assert.equal(tonumber(events), 2 * tonumber(distinct)) -- each whole
    assert.equal(tonumber(distinct), tonumber(last)) -- none left out before the last
    return tonumber(distinct)
  end

  local function stops_well(running, name)
    running:wait_for_output('"n":1}.*\n')
    running:signal(name)
    local result = running:wait()
    local rows = result:rows()
    assert.equal(0, result.code)
    assert.matches("^fstore%-lua: stopping, [^\n]*\n%d+ handled, 0 refused, 0 failed\n$", result.err)
    assert.equal(2 * stored_commands(), #rows)
    return stored_commands()
  end

  it("finishes the batch on SIGTERM, in the middle of a stream from a pipe", function()
    local running = host.start(HANDLE, { db = db })
    running:write(commands(100000))
    assert.is_true(stops_well(running, "sigterm") < 100000)
  end)

  it("finishes the batch on SIGINT, in the middle of a file", function()
    local path = host.file("many.ndjson", commands(100000))
    local running = host.start_shell(("exec %s < '%s'"):format(LINE, path), { db = db })
    assert.is_true(stops_well(running, "sigint") < 100000)
  end)

  it("ends at once on SIGINT while it waits for input", function()
    local running = host.start(HANDLE, { db = db })
    running:write(commands(1))
    assert.equal(1, stops_well(running, "sigint"))
  end)

  it("is ended by a signal while it waits for the database, without a word", function()
    local holder = host.start_shell(("exec psql -XAtq '%s'"):format(db), { db = db })
    holder:write("begin; lock table fstore.deciders in access exclusive mode; select 'held';\n")
    holder:wait_for_output("held")
    local running = host.start(HANDLE, { db = db })
    host.wait_for(function()
      return database.query(db, "select exists (select from pg_locks where not granted)") == "t"
    end, "the host to wait")
    running:signal("sigint")
    local result = running:wait()
    holder:close_input()
    holder:wait()
    assert.same({ 130, "", "" }, { result.code, result.out, result.err })
  end)

  it("is ended by the second signal whatever it is doing", function()
    local path = host.file("hang.lua", [[
      return require "fstore".decider {
        name = "Hanging", events = {}, initial_state = {}, evolve = {},
        decide = { Hang = function() while true do end end },
      }]])
    local running = host.start({ "handle", path }, { db = db })
    running:write('{"decider_id":"a","command":"Hang"}\n')
    running:wait_for_work(0.3)
    running:signal("sigint")
    host.wait_for(function() -- the kernel would make one of two signals that are both on their way
      return not io.open(("/proc/%d/status"):format(running.pid)):read("a"):find("SigCgt:%s*%x*[2367abef]\n")
    end, "the first signal to arrive")
    running:signal("sigint")
    assert.equal(130, running:wait().code)
  end)

  it("stops when nobody reads its output: each command is stored whole, one line says how far it came", function()
    local path = host.file("many.ndjson", commands(100000))
    local result = host.shell(("{ %s < '%s'; echo code $? >&2; } | head -n 1"):format(LINE, path), { db = db })
    local handled = result.err:match("^stopped, stdout has no reader: (%d+) handled, 0 refused, 0 failed\ncode 0\n$")
    assert.equal(1, #result:rows())
    assert.equal(stored_commands(), tonumber(handled))
    assert.is_true(stored_commands() < 100000)
  end)

  it("says that stdout is closed or full", function()
    local function fails(pattern, redirection)
      local result = host.shell(LINE .. " " .. redirection, { db = db, input = commands(1) })
      assert.equal(2, result.code)
      assert.matches(pattern, result.err)
    end
    fails("^1 handled, 0 refused, 0 failed\nfstore%-lua: stdout: Bad file descriptor\n$", ">&-")
    fails("fstore%-lua: stdout: No space left on device\n$", ">/dev/full")
  end)

  it("says that stdin is closed or no stream", function()
    local closed, folder = host.shell(LINE .. " <&-", { db = db }), host.shell(LINE .. " </tmp", { db = db })
    assert.same({ 2, 2 }, { closed.code, folder.code })
    assert.matches("fstore%-lua: stdin: EBADF", closed.err)
    assert.matches("fstore%-lua: stdin: EISDIR", folder.err)
  end)

  it("runs with all standard streams closed", function()
    assert.equal(2, host.shell(LINE .. " <&- >&- 2>&-", { db = db }).code)
  end)

  it("loses and repeats no command when its connection is lost", function()
    local running = host.start({ HANDLE[1], HANDLE[2], "--keep-going" }, { db = db })
    running:write(commands(1))
    running:wait_for_output("\n.*\n")
    database.query(db, [[
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'fstore-lua' and datname = current_database() and pid <> pg_backend_pid()]])
    running:write((commands(3):gsub("^[^\n]*\n", "")))
    running:close_input()
    local result = running:wait()
    assert.equal(0, result.code)
    assert.matches("^waiting for the database: [^\n]*\nthe database is back\n3 handled, 0 refused, ", result.err)
    assert.equal(3, stored_commands())
    assert.equal(6, #result:rows())
  end)
end)
