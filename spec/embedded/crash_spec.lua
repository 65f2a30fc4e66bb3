local embedded = require "fstore.embedded"
local binaries = require "fstore.embedded.binaries"
local cluster = require "fstore.embedded.cluster"
local files = require "fstore.embedded.files"
local place = require "fstore.embedded.place"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

-- What a postmaster.pid holds, in the server's own order of lines.
local function write_pid_file(dir, pid)
  local found = place.find(dir)
  local file <close> = assert(io.open(found.data .. "/postmaster.pid", "w"))
  local lines = { pid, found.data, os.time(), 5432, found.sockets, "", "1 1", "ready   " }
  file:write(table.concat(lines, "\n"), "\n")
end

describe("after a crash:", function()
  local dir, handle, status

  before_each(function()
    dir = server.common_folder()
    handle, status = server.open(dir)
  end)

  after_each(function()
    handle:close()
    embedded.stop(dir, { force = true })
    server.sweep()
  end)

  local function stop()
    handle:close()
    assert.is_true(server.is_gone(status))
  end

  local function reopen()
    handle, status = server.open(dir)
    assert.same({ true, "42" }, { server.query(handle.conninfo, "select n from t") })
    stop()
  end

  -- A server without a keeper, as our keeper starts one.
  local function start_orphan(sockets)
    local found = place.find(dir)
    local command = process.bound(cluster.identity(found), "INT", {
      assert(binaries.find()).dir .. "/postgres", "-D", found.data, "-c", "listen_addresses=",
      "-c", "unix_socket_directories=" .. sockets,
    })
    local _, pid = process.spawn(command, { cwd = "/" }, function() end)
    local file = found.data .. "/postmaster.pid"
    assert.is_true(server.eventually(function() return (files.read(file) or ""):find("ready") end))
    return pid
  end

  it("a killed keeper takes its server with it, and the next one starts", function()
    uv.kill(status.keeper_pid, "sigkill")
    assert.is_true(server.ends(status.server_pid))
    handle:close()
    reopen()
  end)

  it("a keeper and a server killed together leave nothing in the way", function()
    uv.kill(status.keeper_pid, "sigkill")
    uv.kill(status.server_pid, "sigkill")
    handle:close()
    reopen()
  end)

  it("a killed server comes back for its users", function()
    uv.kill(status.server_pid, "sigkill")
    assert.is_true(server.eventually(function()
      local now = embedded.status(dir)
      return now.state == "running" and now.server_pid ~= status.server_pid
    end))
    assert.same({ true, "42" }, { server.query(handle.conninfo, "select n from t") })
    status = embedded.status(dir)
    stop()
  end)

  it("a backend that outlives its postmaster is ended", function()
    local user = server.start_query(handle.conninfo, "select count(*) from generate_series(1, 1e12)")
    local backend
    assert.is_true(server.eventually(function()
      local _, pid = server.query(handle.conninfo, [[
        select pid from pg_stat_activity where query like '%1e12%' and pid <> pg_backend_pid()]])
      backend = math.tointeger(pid)
      return backend
    end))
    uv.kill(status.keeper_pid, "sigkill")
    uv.kill(status.server_pid, "sigkill")
    handle:close()
    reopen()
    assert.is_false(process.is_alive(backend))
    user()
  end)

  it("a stale pid file that names another living process does not matter", function()
    stop()
    for _, pid in ipairs { uv.os_getpid(), 1, 4194303 } do
      write_pid_file(dir, pid)
      reopen()
    end
  end)

  it("stale sockets do not matter", function()
    stop()
    local found = place.find(dir)
    assert(place.make_runtime(found))
    assert(place.make_sockets(found, nil))
    assert(server.leave_socket(place.wish(found, "hold")))
    assert(server.leave_socket(found.sockets .. "/.s.PGSQL.5432"))
    reopen()
  end)

  it("an orphaned server of ours is stopped", function()
    stop()
    local found = place.find(dir)
    assert(place.make_runtime(found))
    assert(place.make_sockets(found, cluster.identity(found)))
    local pid = start_orphan(found.sockets)
    reopen()
    assert.is_true(server.ends(pid))
  end)

  it("a server that somebody else started on the data is left alone", function()
    stop()
    local identity = cluster.identity(place.find(dir))
    local sockets = server.folder()
    if identity then uv.fs_chown(sockets, identity.uid, identity.gid) end
    local pid = start_orphan(sockets)
    local other, err = embedded.open(dir)
    assert.is_nil(other)
    assert.matches("did not start.*" .. pid, tostring(err))
    assert.is_true(process.is_alive(pid))
    uv.kill(pid, "sigquit")
    assert.is_true(server.ends(pid))
    reopen()
  end)

  it("a folder in /tmp that went away can be told", function()
    local runtime = place.find(dir).runtime
    assert(uv.fs_rename(runtime, runtime .. "-moved"))
    local other, err = embedded.open(dir, { patience = 50 })
    assert.is_nil(other)
    assert.matches("cannot be reached", tostring(err))
    assert(uv.fs_rename(runtime .. "-moved", runtime))
    stop()
  end)
end)

describe("a first start that is killed", function()
  after_each(server.sweep)

  it("leaves no half-made data", function()
    local dir = server.folder() .. "/.fstore"
    for milliseconds = 50, 650, 200 do
      local user = server.start_user(dir)
      local keeper
      assert.is_true(server.eventually(function()
        keeper = embedded.status(dir).keeper_pid
        return keeper
      end))
      server.pause(milliseconds)
      uv.kill(keeper, "sigkill")
      user:kill()
    end
    local handle <close>, status = server.open(dir)
    assert.same({ true, "fstore" }, { server.query(handle.conninfo, "select current_database()") })
    assert.is_nil(uv.fs_lstat(dir .. "/data.new"))
    handle:close()
    assert.is_true(server.is_gone(status))
  end)
end)
