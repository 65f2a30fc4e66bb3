-- Workers and supervisors that are killed under load: nothing is lost, nothing is applied twice, leases come free.
local database = require "spec.support.database"
local json = require "fstore.core".json
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local workers = require "spec.support.workers"

local SUMS <const> = workers.SUMS

describe("workers", function()
  local store, db
  before_each(function()
    db = database.fresh()
    store = workers.store(db)
  end)
  after_each(function()
    database.drop(db)
  end)

  it("compete over partitions, and are replaced when they are killed under load", function()
    store:add(5000)
    local running = store:project("--workers", "2", SUMS)
    local load = host.start({ "handle", workers.COUNTER }, { db = db })
    for round = 1, 4 do
      local handled = store:handled()
      load:write(workers.commands(500))
      store:wait_for_progress(handled)
      workers.kill(running, round % 2 + 1)
    end
    load:close_input()
    assert.equal(0, load:wait().code)
    store:wait_until_done() -- though a lease lasts five minutes
    local result = workers.stop(running)
    assert.equal(0, result.code)
    assert.matches("worker %d+ was ended by signal 9; the next starts in 0%.%d s", result.err)
    store:check()
  end)

  it("free the leases of one that was killed in the middle of a batch, at once", function()
    store:add(10, 10)
    local path = host.file("held.lua", [[
      return require "fstore".view { name = "sums", start_at = "-infinity",
        setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
        on = { Added = function(event, db)
          db:exec("insert into sums values ($1, $2, 1)", event.decider_id, event.data.n)
          db:exec("select pg_advisory_xact_lock(42)")
        end } }]])
    local holder = host.start_shell(("exec psql -XAtq '%s'"):format(db), { db = db })
    holder:write("select pg_advisory_lock(42);\nselect 'held';\n")
    holder:wait_for_output("held")
    local running = store:project(path)
    store:wait_for([[select exists (select from pg_locks where locktype = 'advisory' and not granted and objid = 42)]],
      "the handler to wait")
    workers.kill(running, 1)
    holder:close_input()
    holder:wait()
    store:wait_until_done()
    assert.equal(0, workers.stop(running).code)
    assert.equal("0", store:query "select max(attempts) from locks")
    store:check()
  end)

  it("end with their supervisor, and the next one takes over at once", function()
    store:add(30000)
    local running = store:project("--workers", "2", SUMS)
    store:wait_for_progress()
    local pids = workers.pids(running)
    running:signal("sigkill")
    assert.equal(137, running:wait().code)
    host.wait_for(function()
      for _, pid in ipairs(pids) do
        if process.is_alive(pid) then
          return false
        end
      end
      return true
    end, "the workers to end")
    local next_one = store:project(SUMS)
    store:wait_until_done()
    assert.equal(0, workers.stop(next_one).code)
    store:check()
  end)

  it("finish what is in hand on SIGTERM and give the rest back, uncounted", function()
    store:add(300, 3)
    local path = host.file("slow.lua", [[
      return require "fstore".view { name = "sums", start_at = "-infinity",
        setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
        on = { Added = function(event, db)
          db:exec("select pg_sleep(0.1), pg_notify('handled', '')")
          db:exec("insert into sums values ($1, $2, 1) on conflict (id) do update set sum = sums.sum + excluded.sum, "
            .. "count = sums.count + 1", event.decider_id, event.data.n)
        end } }]])
    local running = store:project(path)
    store:wait_for([[select exists (select from pg_stat_activity where query ~ 'pg_sleep'
      and datname = current_database() and pid <> pg_backend_pid())]], "the batch")
    local result = workers.stop(running)
    assert.equal(0, result.code)
    local handled = tonumber(result.err:match("(%d+) events handled, 0 failures\n$"))
    assert.is_true(handled > 0 and handled < 300)
    assert.equal(tostring(handled), store:query "select sum(count) from sums")
    assert.equal("0", store:query "select count(*) from locks where locked_until > now() or attempts > 0")
  end)

  it("are given up when they do not finish in time", function()
    store:add(1)
    local path = host.file("stuck.lua", [[
      return require "fstore".view { name = "stuck", start_at = "-infinity",
        on = { Added = function(_, db) db:exec("select pg_sleep(1000)") end } }]])
    local running = store:project("--stop-timeout", "0.2", path)
    store:wait_for("select exists (select from pg_stat_activity where query = 'select pg_sleep(1000)')", "the handler")
    local result = workers.stop(running)
    assert.equal(0, result.code)
    assert.matches("not done after 0.2 s", result.err)
  end)

  it("end at once on the second signal, and lose nothing", function()
    store:add(1)
    local path = host.file("stuck.lua", [[
      return require "fstore".view { name = "sums", start_at = "-infinity",
        setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
        on = { Added = function(event, db)
          db:exec("insert into sums values ($1, $2, 1)", event.decider_id, event.data.n)
          db:exec("select pg_sleep(1000)")
        end } }]])
    local running = store:project(path)
    store:wait_for("select exists (select from pg_stat_activity where query = 'select pg_sleep(1000)')", "the handler")
    running:signal("sigterm")
    running:wait_for_message("stopping")
    running:signal("sigterm")
    assert.equal(143, running:wait().code)
    local next_one = store:project(SUMS)
    store:wait_until_done()
    assert.equal(0, workers.stop(next_one).code)
    store:check()
  end)

  it("end by themselves with --once", function()
    store:add(1000)
    local result = host.run({ "project", "--once", "--workers", "2", SUMS }, { db = db })
    assert.equal(0, result.code)
    assert.equal("1000 events handled, 0 failures\n", result.err)
    store:check()
  end)

  it("tell systemd when they are ready, and when they stop", function()
    local socket = host.file("notify", "")
    os.remove(socket)
    local manager = host.start_shell(([[
      exec perl -MIO::Socket::UNIX -MSocket -e '$| = 1;
        my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "%s");
        print "listening\n";
        while (defined $s->recv(my $text, 1000)) { print "$text\n"; last if $text =~ /STOPPING/ }']])
      :format(socket), { db = db })
    manager:wait_for_output("listening")
    local running = host.start({ "project", "--workers", "2", SUMS }, { db = db, env = { NOTIFY_SOCKET = socket } })
    manager:wait_for_output("READY=1")
    assert.equal(2, #workers.pids(running))
    assert.equal(0, workers.stop(running).code)
    assert.equal("listening\nREADY=1\nSTATUS=2 workers\nSTOPPING=1\n", manager:wait().out)
  end)

  it("log what happens, a line of JSON each, when told to", function()
    store:add(3, 1, function(number) return number == 3 and "poison" or nil end)
    local running = store:project("--log", "json", SUMS)
    running:wait_for_message('"message":"failed"')
    local lines = {}
    for line in workers.stop(running).err:gmatch("[^\n]+") do
      local entry = assert(json.decode(line))
      lines[#lines + 1] = table.concat({ entry.level, entry.message, entry.view, entry.event, entry.offset }, " ")
      assert(entry.message ~= "handled" or entry.duration_ms >= 0)
    end
    assert.same({
      "info handled sums Added 1", "info handled sums Added 2", "warning failed sums Added 3",
      "info stopping, once what is in hand is done", "info 2 events handled, 1 failures",
    }, lines)
  end)

  it("are a number", function()
    for _, wrong in ipairs { "0", "1.5", "many" } do
      assert.equal(2, host.run({ "project", "--workers", wrong, SUMS }, { db = db }).code)
    end
  end)
end)
