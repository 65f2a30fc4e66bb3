-- `fstore-lua repl`: a prompt with the store at hand, and scripts that are piped in.
local database = require "spec.support.database"
local host = require "spec.support.host"

describe("repl", function()
  local db
  setup(function()
    db = database.fresh()
    host.run({ "handle", "spec/host/scripts/counter.lua", "--id", "a", "--command", "Add", "--data", '{"n": 7}' },
      { db = db })
  end)

  -- Types lines on a terminal, each when the program asks for it.
  local function type_in(...)
    local running = host.start_shell("exec script -qec 'stty cols 120 -echo; exec $FSTORE repl' /dev/null", { db = db })
    local lines = { ... }
    for number, line in ipairs(lines) do
      running:wait_for_output(("> .*"):rep(number) .. "$")
      running:write(line .. "\n")
    end
    running:wait_for_output(("> .*"):rep(#lines + 1) .. "$")
    running:write("\4")
    local result = running:wait()
    assert.equal(0, result.code)
    return (result.out:gsub("\r", ""))
  end

  local function pipe_in(script, ...)
    return host.run({ "repl", ... }, { db = db, input = script })
  end

  it("welcomes, shows values, and ends with Ctrl-D", function()
    local shown = type_in "1 + 1, fstore.uuid.is_uuid('x'), nil, 'x'"
    assert.matches("^fstore%-lua %d[^\n]*schema fstore[^\n]*Ctrl%-D ends\n> 2\nfalse\nnil\nx\n> \n$", shown)
  end)

  it("keeps variables, and reads on until a chunk is complete", function()
    assert.matches("> >> > 42\n", type_in("x = 6 *", "7", "x"))
  end)

  it("shows rows as a table, tables and events as JSON", function()
    assert.matches("> n  t\n7  {\"a\":null}\n>", type_in [[store:exec("select 7 as n, '{\"a\":null}'::jsonb as t")]])
    assert.matches('> {"a":%[1,2%]}\n', type_in "{ a = { 1, 2 } }")
    assert.matches('> {"event":"Added",[^\n]*"data":{"n": 7}', type_in "store:read_events {}")
  end)

  it("goes on after an error, and says of which kind it was", function()
    local shown = type_in("x = = 1", "error 'no good'", "store:exec 'selec'", "'still here'")
    assert.matches("> repl:1: unexpected symbol near '='\n> repl:1: no good\n", shown)
    assert.matches("\n> database: syntax error[^>]*> still here\n", shown)
  end)

  it("runs what is piped in as a script", function()
    local result = pipe_in "local rows = store:exec('select 1 as n')\nprint(rows[1].n)\nreturn rows, #rows"
    assert.same({ 0, '1\n{"n":1}\n1\n', "" }, { result.code, result.out, result.err })
  end)

  it("ends with 5 when a script fails", function()
    local function fails(message, script)
      local result = pipe_in(script)
      assert.same({ 5, message }, { result.code, result.err })
    end
    fails("fstore-lua: stdin:2: no good\n", "\nerror 'no good'")
    fails("fstore-lua: stdin:1: unexpected symbol near '='\n", "x = = 1")
    assert.matches("stack traceback", pipe_in("error 'no good'", "-v").err)
  end)

  it("uses the schema that it is told to", function()
    assert.matches('schema "nowhere" holds no store', pipe_in("return 1", "--schema", "nowhere").err)
  end)
end)
