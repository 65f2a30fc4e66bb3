-- `fstore-lua views --watch`: the table again and again, in its place on a terminal, snapshots in a pipe.
local database = require "spec.support.database"
local host = require "spec.support.host"

describe("views --watch", function()
  local db
  setup(function()
    db = database.fresh()
    database.query(db, [[
      select fstore.register_view('orders', '-infinity');
      select fstore.register_decider_event('D', 'E', 'text')]])
  end)

  local function append()
    database.query(db, [[
      select fstore.append_event('E', gen_random_uuid(), 'D', gen_random_uuid(), '{}', gen_random_uuid(), null)]])
  end

  local function on_terminal(arguments, size)
    return host.start_shell(("exec script -qec 'stty cols 120 rows %d; exec $FSTORE views %s' /dev/null")
      :format(size or 24, arguments), { db = db })
  end

  -- What the terminal shows at the end, for the control sequences that are used.
  local function screen_of(text)
    local lines, row = {}, 1
    text = text:gsub("\r\n", "\n"):gsub("\27%[%?%d+[hl]", ""):gsub("\27%[K", "")
    while #text > 0 do
      local up, line = text:match("^\27%[(%d+)A"), text:match("^\r?([^\27\n]*)\n")
      if up then
        row, text = row - math.tointeger(up), text:sub(#up + 4)
      elseif text:find("^\27%[J") then
        lines, text = table.move(lines, 1, row - 1, 1, {}), text:sub(4)
      elseif line then
        lines[row], row, text = line, row + 1, text:gsub("^[^\n]*\n", "", 1)
      else
        lines[row], text = text, ""
      end
    end
    return lines
  end

  it("prints snapshots in a pipe, until it is stopped", function()
    local running = host.start({ "views", "--watch", "0.1" }, { db = db })
    running:wait_for_output('"pending_events":0')
    append()
    running:wait_for_output('"pending_events":1')
    running:signal("sigint")
    local result = running:wait()
    assert.same({ 0, "" }, { result.code, result.err })
    local rows = result:rows()
    assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", rows[#rows].at)
    assert.same({ "orders", 1, 1 }, { rows[#rows].view, rows[#rows].pending_events, rows[#rows].pending_partitions })
  end)

  it("ends when its reader has gone", function()
    local result = host.shell("{ $FSTORE views --watch 0.1; echo code $? >&2; } | head -n 2", { db = db })
    assert.same({ 2, "code 0\n" }, { #result:rows(), result.err })
  end)

  it("draws a table in its place, and leaves the terminal as it was on Ctrl-C", function()
    local running = on_terminal "--watch 0.1"
    running:wait_for_output("\rorders +%d")
    append()
    running:wait_for_output("\27%[4A\rview [^\n]*\n\rorders +2 ")
    running:write("\3")
    local result = running:wait()
    assert.equal(0, result.code)
    assert.matches("^\27%[%?25l", result.out)
    assert.matches("\27%[%?25h$", result.out)
    local lines = screen_of(result.out)
    assert.matches("^view +pending events", lines[1])
    assert.matches("^orders +2 ", lines[2])
    assert.matches("^20%d%d%-.*, every 0%.1 s, Ctrl%-C ends$", lines[4])
  end)

  it("draws what fits", function()
    for number = 1, 20 do
      database.query(db, ("select fstore.register_view('view %d', '-infinity')"):format(number))
    end
    local running = on_terminal("--watch 0.1", 12)
    running:wait_for_output("\27%[11A")
    running:write("\3")
    local lines = screen_of(running:wait().out)
    assert.matches("^view ", lines[1])
    assert.matches("^… 14 more", lines[11])
  end)

  it("watches what is parked", function()
    local running = host.start({ "views", "orders", "--parked", "--watch", "0.1" }, { db = db })
    assert.equal(0, host.run({ "park", "orders", database.query(db, "select decider_id from fstore.events limit 1") },
      { db = db }).code)
    running:wait_for_output('"parked_at"')
    running:signal("sigterm")
    assert.equal(0, running:wait().code)
  end)

  it("says what is wrong", function()
    assert.equal(1, host.run({ "views", "nobody", "--watch" }, { db = db }).code)
    for _, seconds in ipairs { "0", "soon", "1e9" } do
      local result = host.run({ "views", "--watch", seconds }, { db = db })
      assert.equal(2, result.code)
      assert.matches("is no number of seconds", result.err)
    end
  end)
end)
