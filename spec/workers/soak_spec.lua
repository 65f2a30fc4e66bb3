-- Everything is killed in turn, for a while, under load that never stops. SECONDS chooses how long; `make soak` runs it
-- for long. Then the read model equals a fold of the log, and no process has grown.
local cluster = require "spec.support.cluster"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local uv = require "luv"
local workers = require "spec.support.workers"

local SUMS <const> = workers.SUMS
local seconds = tonumber(os.getenv("SECONDS")) or 4

describe("a host left running", function()
  local primary, store, load, running, sent
  before_each(function()
    primary = cluster.new()
    primary:start()
    store = workers.store(primary:conninfo())
    assert.equal(0, host.run({ "init" }, { db = store.db }).code)
    running = store:project("--workers", "2", SUMS)
    load, sent = host.start({ "handle", workers.COUNTER }, { db = store.db }), 0
  end)
  after_each(function()
    primary:stop()
  end)

  -- The output of the load is not kept: it is as long as the log.
  local function send(count)
    load.output.text = ""
    load:write(workers.commands(count))
    sent = sent + count
  end

  local faults = {}

  function faults.worker()
    workers.kill(running, 1)
  end

  function faults.supervisor()
    running:signal("sigkill")
    running:wait()
    running = store:project("--workers", "2", SUMS)
  end

  function faults.sessions()
    store:query "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fstore-lua'"
  end

  function faults.server()
    primary:kill()
    primary:start()
  end

  function faults.stopped_worker(handled)
    host.wait_for(function() return #workers.pids(running) >= 1 end, "the worker")
    local pid = workers.pids(running)[1]
    uv.kill(pid, "sigstop")
    store:wait_for_progress(handled)
    uv.kill(pid, "sigcont")
  end

  local function size_of(pid)
    local statm, fds = io.open(("/proc/%d/statm"):format(pid)), uv.fs_scandir(("/proc/%d/fd"):format(pid))
    local pages = statm and statm:read("a"):match("%d+ (%d+)")
    if statm then
      statm:close()
    end
    local count = 0
    while fds and uv.fs_scandir_next(fds) do
      count = count + 1
    end
    return { kilobytes = (tonumber(pages) or 0) * 4, files = count }
  end

  local function has_grown(before, after)
    return after.files > before.files + 4 or after.kilobytes > before.kilobytes * 1.5 + 4000
  end

  it("survives whatever is killed", function()
    local order = { "worker", "sessions", "stopped_worker", "server", "supervisor" }
    local ends, round = uv.hrtime() + seconds * 1e9, 0
    send(500)
    store:wait_for_progress()
    local load_before = size_of(load.pid)
    while uv.hrtime() < ends do
      round = round + 1
      local handled = store:handled()
      send(200)
      faults[order[round % #order + 1]](handled)
      store:wait_for_progress(handled)
    end
    local supervisor, load_after = size_of(running.pid), size_of(load.pid)
    load:close_input()
    assert.equal(0, load:wait().code)
    store:wait_until_done()
    assert.equal(tostring(sent), store:query "select count(*) from events")
    assert.is_false(has_grown(load_before, load_after))
    assert.is_true(supervisor.files < 40)
    assert.equal(0, workers.stop(running).code)
    store:check()
  end)

  it("stays as large as it was", function()
    send(500)
    store:wait_for_progress()
    local pids, before = workers.pids(running), {}
    pids[#pids + 1] = running.pid
    local ends, warm = uv.hrtime() + seconds * 1e9, uv.hrtime() + seconds * 0.3e9
    while uv.hrtime() < ends do
      local handled = store:handled()
      send(200)
      store:wait_for_progress(handled)
      if uv.hrtime() > warm then
        warm = math.huge
        for _, pid in ipairs(pids) do
          before[pid] = size_of(pid)
        end
      end
    end
    for _, pid in ipairs(pids) do
      assert.is_true(process.is_alive(pid))
      assert.is_false(before[pid] and has_grown(before[pid], size_of(pid)) or false)
    end
    load:close_input()
    load:wait()
    store:wait_until_done()
    assert.equal(0, workers.stop(running).code)
    store:check()
  end)
end)
