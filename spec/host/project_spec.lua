-- `fstore-lua project`: once and following, failures of views, hosts killed in the middle.
local database = require "spec.support.database"
local host = require "spec.support.host"

local COUNTER <const>, SUMS <const> = "spec/host/scripts/counter.lua", "spec/host/scripts/sums.lua"
local LATEST <const> = "spec/host/scripts/latest.lua"

describe("project", function()
  local db
  before_each(function()
    db = database.fresh()
  end)
  after_each(function()
    database.drop(db)
  end)

  -- Adds `count` numbers, from 1 on, to deciders named by `of(number)`.
  local function add(count, of, text)
    local lines = {}
    for number = 1, count do
      lines[number] = host.commands {
        decider_id = of(number), command = "Add", data = { n = number, text = text and text(number) },
      }
    end
    assert.equal(0, host.run({ "handle", COUNTER }, { db = db, input = table.concat(lines) }).code)
  end

  local function by_hundred(number)
    return "c-" .. number % 100
  end

  local function project(...)
    return host.run({ "project", ... }, { db = db })
  end

  local function query(sql)
    return database.query(db, "set search_path = fstore, public; " .. sql)
  end

  local function equals_the_log()
    local expected = query [[
      select decider_id, sum((data->>'n')::int), count(*) from events where event = 'Added' group by 1 order by 1]]
    assert.equal(expected, query "select id, sum, count from sums order by id")
  end

  it("hands on what is pending and ends, with --once", function()
    add(1000, by_hundred)
    local result = project("--once", SUMS)
    assert.equal(0, result.code)
    assert.equal("", result.out)
    assert.equal("1000 events handled, 0 failures\n", result.err)
    equals_the_log()
    assert.equal("0 events handled, 0 failures\n", project("--once", SUMS).err)
  end)

  it("keeps its progress when the view is registered again", function()
    add(10, by_hundred)
    project("--once", SUMS)
    add(5, by_hundred)
    assert.matches("^5 events handled", project("--once", SUMS).err)
    equals_the_log()
  end)

  it("runs several views, and keeps documents", function()
    add(10, by_hundred, function(number) return "key-" .. number % 3 end)
    assert.equal("20 events handled, 0 failures\n", project("--once", SUMS, LATEST).err)
    assert.equal('key-0|{"n": 9, "count": 3}\nkey-1|{"n": 10, "count": 4}\nkey-2|{"n": 8, "count": 3}',
      query "select key, document from latest order by key")
  end)

  it("follows: handles an event soon after it was appended, and ends on SIGTERM", function()
    local running = host.start({ "project", SUMS }, { db = db })
    host.wait_for(function()
      return query "select to_regclass('sums') is not null and exists (select from views)" == "t"
    end, "the view")
    for number = 1, 3 do
      add(1, function() return "live" end)
      host.wait_for(function() return query "select count from sums" == tostring(number) end, "the projection")
    end
    running:signal("sigterm")
    local result = running:wait()
    assert.equal(0, result.code)
    assert.equal("fstore-lua: stopping, once what is in hand is done\n3 events handled, 0 failures\n", result.err)
  end)

  it("waits for the database when it goes away, says so once, and goes on", function()
    local running = host.start({ "project", "--workers", "2", SUMS }, { db = db })
    host.wait_for(function()
      return query [[select count(*) from pg_stat_activity where application_name = 'fstore-lua'
        and datname = current_database() and state = 'idle' and query ~ 'arm_wake_up|lease_events']] == "2"
    end, "the workers to wait")
    query [[select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'fstore-lua' and datname = current_database()]]
    running:wait_for_message("waiting for the database: [^\n]+\n.*the database is back\n")
    add(10, by_hundred)
    host.wait_for(function() return query "select coalesce(sum(count), 0) from sums" == "10" end, "the projection")
    running:signal("sigterm")
    local result = running:wait()
    assert.equal(0, result.code)
    equals_the_log()
  end)

  it("ends on SIGINT in the middle of a backlog, what it handled acknowledged", function()
    add(50000, by_hundred)
    local running = host.start({ "project", SUMS }, { db = db })
    host.wait_for(function()
      return query "select to_regclass('sums') is not null" == "t" and query "select count(*) from sums" ~= "0"
    end, "the first batch")
    running:signal("sigint")
    local result = running:wait()
    local handled = tonumber(result.err:match("(%d+) events handled, 0 failures\n$"))
    assert.equal(0, result.code)
    assert.is_true(handled < 50000)
    assert.equal(tostring(handled), query "select sum(count) from sums")
    assert.matches(("^%d events handled"):format(50000 - handled), project("--once", SUMS).err)
    equals_the_log()
  end)

  it("leaves a read model that equals the log when hosts are killed in the middle", function()
    add(50000, by_hundred)
    local seen = "0"
    for _ = 1, 4 do
      local running = host.start({ "project", SUMS }, { db = db })
      host.wait_for(function()
        local now = query "select to_regclass('sums') is not null" == "t"
          and query "select coalesce(sum(count), 0) from sums" or "0"
        local moved = now ~= seen
        seen = now
        return moved
      end, "progress")
      running:signal("sigkill")
      assert.equal(137, running:wait().code)
      query "update locks set locked_until = now() where locked_until > now()" -- the lease runs out
    end
    assert.equal(0, project("--once", SUMS).code)
    equals_the_log()
  end)

  it("lets two hosts share a view: each event is applied once", function()
    add(5000, by_hundred)
    local first = host.start({ "project", "--once", SUMS }, { db = db })
    local second = host.start({ "project", "--once", SUMS }, { db = db })
    local function handled(running)
      local result = running:wait()
      assert.equal(0, result.code)
      return tonumber(result.err:match("(%d+) events handled, 0 failures\n"))
    end
    assert.equal(5000, handled(first) + handled(second))
    equals_the_log()
  end)

  describe("when a handler fails", function()
    local function view(on)
      return host.file("failing.lua", ([[
        local fstore = require "fstore"
        return fstore.view { name = "failing", start_at = "-infinity",
          setup = "create table if not exists failing (id uuid, n int check (n <> 2))",
          on = { Added = %s } }
      ]]):format(on))
    end

    -- Four partitions of two events; the first event of c-2 is the one that no handler likes.
    local function fails(pattern, on)
      add(8, function(number) return "c-" .. (number - 1) % 4 + 1 end)
      local result = project("--once", view(on))
      assert.equal(5, result.code)
      assert.matches(
        "^view failing: Added at offset 2 %(decider_id [%x-]+, attempt 1, next in %d%.%d s%): " .. pattern, result.err)
      assert.matches("\n6 events handled, 1 failures\n2 events are still pending: put off after a failure", result.err)
      assert.equal("1,3,4,5,7,8", query "select string_agg(n::text, ',' order by n) from failing")
    end

    it("puts off its partition alone and exits 5 with --once", function()
      fails("[^\n]*failing%.lua:5: no good\n", [[function(event, db)
        if event.data.n == 2 then error("no good") end
        db:exec("insert into failing values ($1, $2)", event.decider_id, event.data.n)
      end]])
    end)

    it("says what was wrong with its SQL, whether it looks at the result or not", function()
      fails('new row for relation "failing" violates check constraint "failing_n_check"\n', [[function(event, db)
        db:exec("insert into failing values ($1, $2)", event.decider_id, event.data.n)
      end]])
    end)

    it("says what a handler asserts", function()
      fails('new row for relation "failing"', [[function(event, db)
        assert(db:exec("insert into failing values ($1, $2)", event.decider_id, event.data.n))
      end]])
    end)

    it("takes no parameter that cannot be stored for granted", function()
      fails("", [[function(event, db)
        db:exec("insert into failing select $1, $2 where $3::text is not null", event.decider_id, event.data.n,
          event.data.n == 2 and "\xff" or "")
      end]])
    end)

    it("shows a traceback with -v", function()
      add(1, by_hundred)
      local result = host.run({ "-v", "project", "--once", view "function() error 'no good' end" }, { db = db })
      assert.matches("no good\nstack traceback:.*failing%.lua", result.err)
    end)

    it("goes on behind it once the view is mended", function()
      add(3, function() return "one" end)
      assert.equal(5, project("--once", view "function(event) if event.data.n == 2 then error() end end").code)
      query "update locks set locked_until = now()" -- the delay is over
      assert.equal("2 events handled, 0 failures\n", project("--once", view "function() end").err)
    end)
  end)

  it("writes nothing twice when another takes the lease while a handler works", function()
    add(1, function() return "slow" end)
    local path = host.file("slow.lua", [[
      return require "fstore".view { name = "slow", start_at = "-infinity",
        setup = "create table if not exists slow (n int)",
        on = { Added = function(event, db)
          db:exec("insert into slow values ($1)", event.data.n)
          db:exec("select pg_advisory_xact_lock(42)")
        end } }]])
    local holder = host.start_shell(("exec psql -XAtq '%s'"):format(db), { db = db })
    holder:write("select pg_advisory_lock(42);\nselect 'held';\n")
    holder:wait_for_output("held")
    local first = host.start({ "project", "--once", path }, { db = db })
    host.wait_for(function()
      return query "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted" == "1"
    end, "the handler to wait")
    query "update locks set locked_until = now() - interval '1 s'"
    query "select lease_events('slow')" -- another takes it over
    holder:close_input()
    first:wait()
    holder:wait()
    assert.equal("0", query "select count(*) from slow")
    query "update locks set locked_until = now() - interval '1 s'"
    assert.equal(0, project("--once", path).code)
    assert.equal("1", query "select count(*) from slow")
  end)

  it("reports scripts that are no views", function()
    local function fails(pattern, path)
      local result = project("--once", path)
      assert.equal(5, result.code)
      assert.matches(pattern, result.err)
    end
    fails("it is a decider: use `fstore%-lua handle`", COUNTER)
    fails("nowhere%.lua: No such file or directory", "nowhere.lua")
    fails("view bad: setup: syntax error at or near \"creat\"", host.file("bad.lua",
      "return require 'fstore'.view { name = 'bad', setup = 'creat table x ()', on = {} }"))
  end)
end)
