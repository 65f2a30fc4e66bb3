--- The server process: started directly, watched through `postmaster.pid`, stopped by signals.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"
local server_log = require "fstore.embedded.server_log"

local postmaster = {}

---@class fstore.embedded.Postmaster
---@field pid integer
---@field place fstore.embedded.Place
---@field exited boolean
local methods = {}
local metatable = { __index = methods }

local function pid_file(found) return found.data .. "/postmaster.pid" end

-- Every process of a server works in its data folder.
local function works_in(pid, stat)
  local there = uv.fs_stat(("/proc/%d/cwd"):format(pid))
  return there and there.ino == stat.ino and there.dev == stat.dev and process.is_alive(pid)
end

local function processes_in(stat)
  local pids = {}
  for _, name in ipairs(files.list("/proc")) do
    local pid = math.tointeger(name)
    if pid and works_in(pid, stat) then pids[#pids + 1] = pid end
  end
  return pids
end

-- Signals from mild to harsh, each with the time it is given.
local escalation = { { "sigint", 20000 }, { "sigquit", 5000 }, { "sigkill", 5000 } }

local function end_by_signals(first, pids_left)
  for i = first, #escalation do
    local signal, milliseconds = table.unpack(escalation[i])
    for _, pid in ipairs(pids_left()) do uv.kill(pid, signal) end
    if loop.poll(function() return #pids_left() == 0 end, milliseconds) then return true end
  end
  return false
end

--- Clears away what a crash left: a server without its keeper, server processes without their postmaster, a pid file
--- whose number may belong to any other process by now. Call it with the keeper's lock held.
---@param found fstore.embedded.Place
---@return true? ok
---@return fstore.embedded.Failure? err
function postmaster.sweep(found)
  local text = files.read(pid_file(found))
  if not text then return true end
  local stat, pid = uv.fs_stat(found.data), math.tointeger(text:match("^%d+"))
  if pid and works_in(pid, stat) then
    if not text:find("\n" .. found.sockets .. "\n", 1, true) then
      return nil, failure.new("embedded", ("a PostgreSQL server that fstore-lua did not start (process %d) runs on %s")
        :format(pid, found.data), "stop it")
    end
    end_by_signals(1, function() return works_in(pid, stat) and { pid } or {} end)
  end
  if not end_by_signals(2, function() return processes_in(stat) end) then
    return nil, failure.new("embedded", "server processes of an earlier run do not end in " .. found.data)
  end
  uv.fs_unlink(pid_file(found))
  return true
end

local function command_line(found, programs, settings)
  -- the real path: the link to the data may be where the server's user cannot enter
  local command = { programs.dir .. "/postgres", "-D", uv.fs_realpath(found.data) }
  local function set(name, value)
    table.move({ "-c", name .. "=" .. value }, 1, 2, #command + 1, command)
  end
  set("listen_addresses", "")
  set("port", "5432")
  set("unix_socket_directories", found.sockets)
  set("unix_socket_permissions", "0700")
  set("logging_collector", "off")
  set("log_destination", "stderr")
  for name, value in pairs(settings) do set(name, value) end
  return command
end

--- Starts the server. Its messages go where ours go.
---@param found fstore.embedded.Place
---@param programs fstore.embedded.Binaries
---@param identity? fstore.embedded.Identity
---@param settings table<string, string>
---@return fstore.embedded.Postmaster?
---@return fstore.embedded.Failure? err
function postmaster.start(found, programs, identity, settings)
  local self = setmetatable({ place = found, exited = false, mark = server_log.mark(found) }, metatable)
  local command = process.bound(identity, "INT", command_line(found, programs, settings))
  local handle, pid = process.spawn(command, { stdio = { nil, 2, 2 }, cwd = "/" }, function() self.exited = true end)
  if not handle then return nil, failure.system("start PostgreSQL", pid --[[@as string]]) end
  self.pid = pid --[[@as integer]]
  return self
end

function methods:is_ready()
  local text = files.read(pid_file(self.place))
  return text and text:match("^%d+") == tostring(self.pid) and text:match("(%w+)%s*$") == "ready"
end

--- Waits until connections are accepted, however long the recovery after a crash takes.
---@param given_up fun(): boolean ends the wait
---@return true? ok
---@return fstore.embedded.Failure? err
function methods:wait_ready(given_up)
  local ready = false
  repeat
    loop.poll(function()
      ready = self:is_ready()
      return ready or self.exited or given_up()
    end, 60000)
  until ready or self.exited or given_up()
  if ready then return true end
  if not self.exited then return nil, failure.new("embedded", "stopped while it was starting") end
  return nil, failure.new("embedded", "PostgreSQL did not start: " .. server_log.reason(self.place, self.mark),
    "see " .. self.place.log)
end

--- Stops the server: sessions end at once, then what was committed is written out.
function methods:stop()
  end_by_signals(1, function() return self.exited and {} or { self.pid } end)
end

return postmaster
