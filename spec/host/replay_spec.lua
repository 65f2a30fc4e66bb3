-- `fstore-lua replay`: what it would do, that it asks, how it waits, and that consumers at work are safe from it.
local database = require "spec.support.database"
local host = require "spec.support.host"

local COUNTER <const>, SUMS <const> = "spec/host/scripts/counter.lua", "spec/host/scripts/sums.lua"

describe("replay", function()
  local db
  before_each(function()
    db = database.fresh()
  end)
  after_each(function()
    database.drop(db)
  end)

  local function query(sql)
    return database.query(db, "set search_path = fstore, public; " .. sql)
  end

  local function add(count, partitions)
    local lines = {}
    for number = 1, count do
      lines[number] = host.commands { decider_id = "c-" .. number % partitions, command = "Add", data = { n = number } }
    end
    assert.equal(0, host.run({ "handle", COUNTER }, { db = db, input = table.concat(lines) }).code)
  end

  local function project()
    assert.equal(0, host.run({ "project", "--once", SUMS }, { db = db }).code)
  end

  local function replay(...)
    return host.run({ "replay", "sums", ... }, { db = db })
  end

  -- With a terminal; what is typed goes through `write`.
  local function on_terminal(arguments)
    return host.start_shell(("exec script -qec 'stty cols 120; exec $FSTORE replay %s' /dev/null"):format(arguments),
      { db = db })
  end

  local function total()
    return math.tointeger(query "select pending_events from view_status('sums')")
  end

  local function equals_the_log()
    local expected = query [[
      select decider_id, sum((data->>'n')::int), count(*) from events where event = 'Added' group by 1 order by 1]]
    assert.equal(expected, query "select id, sum, count from sums order by id")
  end

  it("shows its plan and does nothing without a terminal to ask on", function()
    add(1204, 3)
    project()
    local result = replay()
    assert.equal(2, result.code)
    assert.equal("", result.out)
    assert.matches("^view sums goes back: 3 partitions, 1,204 events\nfstore%-lua: nothing was done", result.err)
    assert.matches("\n  hint: %-%-yes ", result.err)
    assert.equal(0, total())
  end)

  it("moves the view back with --yes", function()
    add(7, 3)
    project()
    local result = replay("--yes", "--no-wait")
    assert.same({ 0, "view sums goes back: 3 partitions, 7 events\nview sums: 3 partitions moved back\n" },
      { result.code, result.err })
    assert.equal(7, total())
    query "truncate sums"
    project()
    equals_the_log()
  end)

  it("asks on a terminal", function()
    add(1, 1)
    project()
    local refused = on_terminal "sums"
    refused:wait_for_output("1 partition, 1 event\r?\nGo on%? %[y/N%] $")
    refused:write("n\n")
    local result = refused:wait()
    assert.equal(1, result.code)
    assert.matches("nothing was done", result.out)
    assert.equal(0, total())
    local agreed = on_terminal "sums --no-wait"
    agreed:wait_for_output("Go on%?")
    agreed:write("y\n")
    assert.equal(0, agreed:wait().code)
    assert.equal(1, total())
  end)

  it("takes an offset, a time, a decider, an id or a business key", function()
    add(9, 3)
    project()
    assert.matches("goes back: 2 partitions, 2 events %(from offset 8 on%)\n",
      replay("--yes", "--no-wait", "--from", "8").err)
    assert.equal(2, total())
    project()
    assert.matches("goes back: 3 partitions, 9 events %(created from 2%d%d%d%-", replay("--from", "yesterday").err)
    assert.matches("nothing to replay", replay("--from", "tomorrow").err)
    assert.matches("goes back: 3 partitions, 9 events\n", replay("--decider", "Counter").err)
    assert.matches("nothing to replay", replay("--decider", "Nobody").err)
    assert.matches("1 partition, 3 events\n", replay("--yes", "--no-wait", "--decider", "Counter", "--id", "c-1").err)
    assert.equal(3, total())
    project()
    local id = query "select decider_id from events where data->>'n' = '2'"
    assert.matches("1 partition, 1 event ", replay("--yes", "--no-wait", "--id", id, "--from", "6").err)
  end)

  it("says what is wrong", function()
    add(1, 1)
    project()
    local function is_wrong(code, pattern, ...)
      local result = host.run({ "replay", ... }, { db = db })
      assert.equal(code, result.code)
      assert.matches(pattern, result.err)
    end
    is_wrong(1, "^no view nobody is registered\n$", "nobody", "--yes")
    is_wrong(2, "'soon' is neither a time nor an offset", "sums", "--yes", "--from", "soon")
    is_wrong(2, "neither a time nor an offset", "sums", "--yes", "--from", "99999999999999999999")
    is_wrong(2, "c%-1 is a business key: name its decider", "sums", "--yes", "--id", "c-1")
    assert.equal(0, total())
  end)

  it("says what stays parked", function()
    add(4, 2)
    project()
    query "select park_events('sums', array[decider_id]) from events limit 1"
    local result = replay("--yes", "--no-wait")
    assert.matches("2 partitions, 4 events\n  1 partition parked: none of these events comes before", result.err)
    assert.equal(2, total())
  end)

  it("waits until a host has caught up, with what that host still does besides", function()
    add(600, 20)
    local running = host.start({ "project", SUMS }, { db = db })
    host.wait_for(function()
      return query "select to_regclass('sums') is not null" == "t" and query "select sum(count) from sums" == "600"
    end, "the projection")
    local result = replay("--yes")
    assert.equal(0, result.code)
    assert.matches("\nview sums has caught up, after %d+%.%d s\n$", result.err)
    assert.equal(0, total())
    assert.equal("1200", query "select sum(count) from sums")
    running:signal("sigterm")
    assert.equal(0, running:wait().code)
  end)

  it("shows a bar, the rate and the time left on a terminal, until it has caught up", function()
    add(30, 30)
    project()
    local running = on_terminal "sums --yes"
    running:wait_for_output("%[%.+%] +0 %%  0 events, 0/s")
    query "select ack_event('sums', decider_id, \"offset\") from stream_events('sums', 10)"
    running:wait_for_output("%[#+%.+%] +33 %%  10 events, %d+/s, %d+%.%d s left")
    project()
    local result = running:wait()
    assert.equal(0, result.code)
    assert.matches("has caught up", result.out)
  end)

  it("leaves on Ctrl-C, and says that nobody seems to be at work", function()
    add(3, 3)
    project()
    local running = on_terminal "sums --yes"
    running:wait_for_output("nothing moves: does a host run view sums%?")
    running:write("\3")
    local result = running:wait()
    assert.equal(0, result.code)
    assert.matches("view sums: 3 events still to come\r\n$", result.out)
    assert.equal(3, total())
  end)

  it("writes nothing twice and loses nothing beside a host at work, when the table is emptied with it", function()
    local running = host.start({ "project", SUMS }, { db = db })
    host.wait_for(function()
      return query "select to_regclass('sums') is not null and exists (select from views)" == "t"
    end, "the view")
    for round = 1, 5 do
      add(400, 40)
      local result = host.run({ "db", "psql", "--", "-q", "-1", "-c", "TRUNCATE sums", "-c",
        "SELECT count(*) FROM replay_view('sums')" }, { db = db })
      assert.same({ round, 0, "" }, { round, result.code, result.err })
    end
    host.wait_for(function() return total() == 0 end, "the projection")
    running:signal("sigterm")
    assert.equal(0, running:wait().code)
    equals_the_log()
  end)
end)
