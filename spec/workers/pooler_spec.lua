-- A pooler before the database, with a server connection for each transaction: no wake-ups come through it.
local cluster = require "spec.support.cluster"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local workers = require "spec.support.workers"

local has_pgbouncer = process.run { "sh", "-c", "command -v pgbouncer >/dev/null" } == 0

local CONFIG <const> = [[
[databases]
postgres = host=%s port=%d user=fstore
[pgbouncer]
listen_addr =
listen_port = 6543
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
logfile = /dev/null
]]

describe("behind pgbouncer in transaction pooling", function()
  local primary, pooler, db
  before_each(function()
    primary = cluster.new()
    primary:start()
    if has_pgbouncer then
      local config = host.file("pgbouncer.ini", CONFIG:format(primary.sockets, primary.port, primary.sockets))
      pooler = primary:run_beside { "pgbouncer", "-q", config }
      db = ("host=%s port=6543 user=fstore dbname=postgres"):format(primary.sockets)
      host.wait_for(function() return server.query(db, "select 1") end, "the pooler")
    end
  end)
  after_each(function()
    primary:stop()
    if pooler then
      pooler:signal("sigkill")
      pooler:wait()
    end
  end)

  local function when_it_is_there(...)
    (has_pgbouncer and it or pending)(...)
  end

  when_it_is_there("views are projected, polling, and that is said once", function()
    local store = workers.store(primary:conninfo())
    assert.equal(0, host.run({ "init" }, { db = db }).code)
    local running = host.start({ "project", "--workers", "2", workers.SUMS }, { db = db })
    running:wait_for_message("a pooler stands before the database")
    assert.equal(0, host.run({ "handle", workers.COUNTER }, { db = db, input = workers.commands(1000) }).code)
    store:wait_until_done()
    assert.equal("0", store:query "select count(*) from pg_locks where locktype = 'advisory'")
    local result = workers.stop(running)
    assert.equal(0, result.code)
    assert.matches("^fstore%-lua: a pooler [^\n]*\nfstore%-lua: stopping[^\n]*\n1000 events handled, 0 failures\n$",
      result.err)
    store:check()
  end)

  when_it_is_there("views are pushed, polling, and that is said once", function()
    assert.equal(0, host.run({ "init" }, { db = db }).code)
    local direct = primary:conninfo()
    server.query(direct, "select fstore.register_view('orders', '-infinity', 60, 1, 'http://127.0.0.1:1/')")
    local running = host.start({ "push" }, { db = db })
    running:wait_for_message("a pooler stands before the database")
    server.query(direct, [[select fstore.register_decider_event('Order', 'Placed', 'for the spec');
      select fstore.append_event('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', gen_random_uuid(),
        NULL)]])
    running:wait_for_message("failed .*127%.0%.0%.1:1")
    assert.same({ true, "0" }, { server.query(direct, "select count(*) from pg_locks where locktype = 'advisory'") })
    assert.equal(0, workers.stop(running).code)
  end)
end)
