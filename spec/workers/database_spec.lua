-- A database that goes away under load: everything waits, goes on, and nothing is lost or applied twice.
local cluster = require "spec.support.cluster"
local host = require "spec.support.host"
local workers = require "spec.support.workers"

local SUMS <const> = workers.SUMS

describe("when the database goes away under load,", function()
  local primary, standby, store, db, load, running
  before_each(function()
    primary = cluster.new()
    primary:start()
  end)
  after_each(function()
    primary:stop()
    if standby then
      standby:stop()
    end
    standby = nil
  end)

  local function start_load(conninfo)
    db, store = conninfo, workers.store(conninfo)
    assert.equal(0, host.run({ "init" }, { db = db }).code)
    running = store:project("--workers", "2", SUMS)
    load = host.start({ "handle", workers.COUNTER }, { db = db })
    load:write(workers.commands(2000))
    store:wait_for_progress()
  end

  local function end_load(count)
    load:close_input()
    local result = load:wait()
    assert.equal(0, result.code)
    assert.matches(("%d handled, 0 refused, 0 failed\n$"):format(count), result.err)
    store:wait_until_done()
    assert.equal(tostring(count), store:query "select count(*) from events")
    local stopped = workers.stop(running)
    assert.equal(0, stopped.code)
    store:check()
    return result, stopped
  end

  it("a server that crashes and comes back is waited for", function()
    start_load(primary:conninfo())
    for _ = 1, 2 do
      local handled = store:handled()
      primary:kill()
      load:write(workers.commands(500))
      running:wait_for_message("waiting for the database: ")
      primary:start()
      store:wait_for_progress(handled)
    end
    local handled, projected = end_load(3000)
    assert.matches("waiting for the database: ", handled.err)
    assert.matches("the database is back", projected.err)
  end)

  it("a commit without an answer is looked up, not repeated", function()
    db = primary:conninfo()
    store = workers.store(db)
    assert.equal(0, host.run({ "init" }, { db = db }).code)
    load = host.start({ "handle", workers.COUNTER }, { db = db })
    load:write(workers.commands(1, 1))
    load:wait_for_output("Added")
    -- Committed, it waits for a standby that never comes.
    store:query "alter system set synchronous_standby_names = 'nobody'"
    store:query "select pg_reload_conf()"
    store:wait_for("select current_setting('synchronous_standby_names') = 'nobody'", "the setting")
    load:write(workers.commands(2, 1))
    store:wait_for("select exists (select from pg_stat_activity where wait_event = 'SyncRep')", "the commit")
    store:query "set synchronous_commit = local; alter system reset synchronous_standby_names"
    store:query "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
    load:wait_for_message("waiting for the database: ")
    store:query "select pg_reload_conf()"
    load:close_input()
    local result = load:wait()
    assert.equal(0, result.code)
    assert.equal(3, #result:rows())
    assert.equal("3|4", store:query "select count(*), sum((data->>'n')::int) from events")
  end)

  it("the standby that takes over is found", function()
    standby = primary:standby()
    primary:wait_for_standby()
    start_load(primary:conninfo_with(standby))
    primary:kill()
    load:write(workers.commands(500))
    running:wait_for_message("waiting for the database: ")
    standby:promote()
    end_load(2500)
  end)
end)
