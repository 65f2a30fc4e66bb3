-- The command line: help, version, what is unknown; progress on a terminal.
local database = require "spec.support.database"
local host = require "spec.support.host"

local COUNTER <const> = "spec/host/scripts/counter.lua"

describe("the command line", function()
  it("has help and version at every level", function()
    local version = host.run({ "--version" })
    assert.equal(0, version.code)
    assert.matches("^fstore%-lua %d+%.%d+%.%d+\n$", version.out)
    local commands = ",init,handle,project,events,state,views,replay,park,resume,repl,db,db start,db status"
    for command in commands:gmatch("[^,]*") do
      local help = host.shell("$FSTORE " .. command .. " --help")
      assert.same({ 0, "" }, { help.code, help.err })
      assert.matches(("^Usage: fstore%%-lua %s"):format(command), help.out)
      assert.equal(version.out, host.shell("$FSTORE " .. command .. " --version").out)
    end
  end)

  it("names each exit code in its help", function()
    assert.matches("0 done.*1 .*2 usage.*3 .*4 .*5 .*70 ", host.run({ "--help" }).out)
  end)

  it("exits 2 when it is wrong, and points to the help at hand", function()
    local function is_wrong(message, help, ...)
      local result = host.run({ ... })
      assert.same({ 2, "" }, { result.code, result.out })
      assert.equal(("fstore-lua: %s\n  hint: try `%s --help`\n"):format(message, help), result.err)
    end
    is_wrong("a command is required", "fstore-lua")
    is_wrong("unknown command 'handel'. Did you mean 'handle'?", "fstore-lua", "handel")
    is_wrong("unknown option '--frob'", "fstore-lua", "--frob")
    is_wrong("unknown option '--frob'", "fstore-lua handle", "handle", "--frob", "x.lua")
    is_wrong("missing argument 'script'", "fstore-lua handle", "handle")
    is_wrong("unknown option '--frob'", "fstore-lua db start", "db", "start", "--frob")
    is_wrong("too many arguments", "fstore-lua state", "state", "a", "b", "c")
  end)

  it("takes its own options before the command and behind it", function()
    local before = host.run({ "--db", "host=/nowhere", "views" })
    local behind = host.run({ "views", "--db", "host=/nowhere" })
    assert.same({ 4, 4 }, { before.code, behind.code })
  end)

  it("knows completions for shells", function()
    assert.matches("complete .* fstore%-lua", host.run({ "completion", "bash" }).out)
  end)

  describe("on a terminal", function()
    local db
    setup(function()
      db = database.fresh()
    end)

    local function commands(count)
      local lines = {}
      for number = 1, count do
        lines[number] = host.commands { decider_id = "c-" .. number % 100, command = "Add", data = { n = number } }
      end
      return table.concat(lines)
    end

    local function on_terminal(line, ...)
      return host.shell(("script -qec '%s' /dev/null"):format(line:format(...)), { db = db })
    end

    it("shows a bar while it handles a file, and takes it away", function()
      local path = host.file("some.ndjson", commands(3000))
      local result = on_terminal("$FSTORE handle %s <%s >/dev/null", COUNTER, path)
      assert.equal(0, result.code)
      assert.matches("\r%[[#.]+%] +%d+ %%  %d+ commands, %d+/s, %d+%.%d s left\27%[K", result.out)
      assert.matches("\r\27%[K3000 handled, 0 refused, 0 failed\r\n$", result.out)
    end)

    it("shows a counter while it handles a pipe", function()
      local path = host.file("some.ndjson", commands(3000))
      local result = on_terminal("cat %s | $FSTORE handle %s >/dev/null", path, COUNTER)
      assert.matches("\r%d+ commands, %d+/s\27%[K", result.out)
      assert.not_matches("%[#", result.out)
    end)

    it("shows a bar for a projection that ends", function()
      local result = host.on_terminal("project --once spec/host/scripts/sums.lua", { db = db })
      assert.matches("\r%[[#.]+%] +%d+ %%  %d+ events, %d+/s, %d+%.%d s left\27%[K", result.out)
      assert.matches("\r\27%[K6000 events handled, 0 failures\n$", result.out)
    end)

    it("takes commands as they are typed", function()
      local result = host.shell(([[
        { sleep 0.3; echo '{"decider_id":"typed","command":"Close"}'; sleep 0.3; printf '\004'; } |
        script -qec '$FSTORE handle %s' /dev/null]]):format(COUNTER), { db = db })
      assert.matches("reading commands from the terminal, a JSON object a line; Ctrl%-D ends\r\n", result.out)
      assert.matches("\n?\r?\27?%[?K?{\"event\":\"Closed\"[^\n]*\r\n", result.out)
      assert.matches("1 handled, 0 refused, 0 failed\r\n$", result.out)
    end)
  end)

  it("shows no progress where stderr is no terminal", function()
    local db = database.fresh()
    local result = host.run({ "handle", COUNTER }, { db = db, input = ("\n"):rep(3000) })
    assert.equal("0 handled, 0 refused, 0 failed\n", result.err)
  end)
end)
