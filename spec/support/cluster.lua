--- PostgreSQL servers of a spec's own, to be killed, started again, and promoted.
---
---   local primary = cluster.new()
---   primary:start()
---   local standby = primary:standby()
---   primary:kill(); standby:promote()
local files = require "fstore.embedded.files"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

local cluster = {}

---@class spec.Cluster
---@field data string folder
---@field port integer also the name of its socket
---@field sockets string folder
local Server = {}
Server.__index = Server

local next_port = 5432
local bindir

local function find_binaries()
  if not bindir then
    local found = assert(require "fstore.embedded.binaries".find())
    bindir = found.dir
  end
  return bindir
end

local function identity()
  if uv.getuid() ~= 0 then
    return nil
  end
  local uid, gid = assert(files.read("/etc/passwd")):match("postgres:[^:]*:(%d+):(%d+):")
  return { uid = math.tointeger(uid), gid = math.tointeger(gid) }
end

-- As the server's user; it dies with us.
local function bound(command)
  return process.bound(identity(), "KILL", command)
end

local function run(command)
  local code, output = process.run({ "sh", "-c", 'exec "$@" 2>&1', "sh", table.unpack(bound(command)) }, { cwd = "/" })
  assert(code == 0, output)
end

local function new_server(sockets)
  next_port = next_port + 1
  return setmetatable({ sockets = sockets, port = next_port, data = sockets .. "/" .. next_port }, Server)
end

--- Makes a server's data; it is not started yet.
---@return spec.Cluster
function cluster.new()
  local folder = server.lasting_folder()
  local who = identity()
  if who then
    assert(uv.fs_chown(folder, who.uid, who.gid))
  end
  local self = new_server(folder)
  run { find_binaries() .. "/initdb", "-D", self.data, "-U", "fstore", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
    "-N", "--no-instructions" }
  return self
end

--- Starts it and waits until it takes connections.
function Server:start()
  self.ended = false
  self.process = assert(process.spawn(bound { find_binaries() .. "/postgres", "-D", self.data,
    "-p", tostring(self.port), "-k", self.sockets, "-c", "listen_addresses=", "-c", "fsync=off",
    "-c", "wal_log_hints=on", "-c", "max_connections=50", "-c", "logging_collector=off",
  }, { stdio = { nil, nil, nil }, cwd = "/" }, function() self.ended = true end))
  host.wait_for(function()
    return self.ended or (files.read(self.data .. "/postmaster.pid") or ""):match("\nready")
      and server.query(self:conninfo(), "select 1")
  end, "the server")
  assert(not self.ended, "the server did not start")
end

local function children_of(pid)
  local children = {}
  for child in (files.read(("/proc/%d/task/%d/children"):format(pid, pid)) or ""):gmatch("%d+") do
    children[#children + 1] = math.tointeger(child)
  end
  return children
end

--- Kills it as a crash of the machine does: every process at once. It is stopped first, so that it makes no new ones.
function Server:kill()
  local pid = self.process:get_pid()
  uv.kill(pid, "sigstop")
  local backends = children_of(pid)
  for _, backend in ipairs(backends) do
    uv.kill(backend, "sigkill")
  end
  uv.kill(pid, "sigkill")
  host.wait_for(function()
    for _, backend in ipairs(backends) do
      if process.is_alive(backend) then return false end
    end
    return self.ended
  end, "the end of the server")
end

--- Starts another program as the server's user.
---@param command string[]
---@return spec.Running
function Server.run_beside(_, command)
  local words = {}
  for index, word in ipairs(bound(command)) do
    words[index] = "'" .. word .. "'"
  end
  return host.start_shell("exec " .. table.concat(words, " "))
end

--- Stops it in order.
function Server:stop()
  if not self.ended then
    self.process:kill("sigint")
    host.wait_for(function() return self.ended end, "the end of the server")
  end
end

--- Makes and starts a standby that follows it.
---@return spec.Cluster
function Server:standby()
  local standby = new_server(self.sockets)
  run { find_binaries() .. "/pg_basebackup", "-D", standby.data, "-R", "-X", "stream", "-c", "fast", "-C",
    "-S", "standby", "--no-sync", "-h", self.sockets, "-p", tostring(self.port), "-U", "fstore" }
  standby:start()
  return standby
end

--- Makes a standby the primary.
function Server:promote()
  local ok, output = server.query(self:conninfo(), "select pg_promote(true, 30)")
  assert(ok, output)
end

--- Commits wait for the standby from now on: what is acknowledged survives us.
function Server:wait_for_standby()
  for _, sql in ipairs { "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()" } do
    local ok, output = server.query(self:conninfo(), sql)
    assert(ok, output)
  end
  host.wait_for(function()
    local sql = "select count(*) from pg_stat_replication where sync_state = 'sync'"
    return select(2, server.query(self:conninfo(), sql)) == "1"
  end, "the standby")
end

---@param database string? (default "postgres")
---@return string conninfo
function Server:conninfo(database)
  return ("host=%s port=%d user=fstore dbname=%s"):format(self.sockets, self.port, database or "postgres")
end

--- A conninfo of both, that finds the one which takes writes.
---@param other spec.Cluster
---@return string
function Server:conninfo_with(other)
  return ("host=%s,%s port=%d,%d user=fstore dbname=postgres target_session_attrs=read-write"):format(
    self.sockets, other.sockets, self.port, other.port)
end

return cluster
