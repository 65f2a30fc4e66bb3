--- The keeper: a process that owns the server of one folder. Started on demand by the first user, it starts the server,
--- tells its users when it is ready, and stops it when the last of them is gone: each holds a connection for as long as
--- it lives, so the kernel tells, whatever a user dies of.
---
---   lua keeper.lua FOLDER [NAME=VALUE …]      (descriptor 3: the connection of the first user)

-- Descriptors that the first user happened to pass on: a pipe among them would keep its reader waiting for us.
local passed_on = {}
for fd = 4, 255 do
  local info = io.open("/proc/self/fdinfo/" .. fd)
  if info then
    info:close()
    passed_on[#passed_on + 1] = fd
  end
end

local uv = require "luv" -- opens descriptors of its own
for _, fd in ipairs(passed_on) do uv.fs_close(fd) end

local binaries = require "fstore.embedded.binaries"
local cluster = require "fstore.embedded.cluster"
local failure = require "fstore.embedded.failure"
local lock = require "fstore.embedded.lock"
local loop = require "fstore.embedded.loop"
local place = require "fstore.embedded.place"
local postmaster = require "fstore.embedded.postmaster"
local server_log = require "fstore.embedded.server_log"
local wire = require "fstore.embedded.wire"

local grace = 200 -- ms without users before the server stops: the next command of a shell script finds it running
local crashes_in_a_row, lasting = 3, 10000 -- how often a server is started again that ended within so many ms
local bindir_setting = "bindir" -- not a setting of the server: where its programs are

---@class fstore.embedded.Keeper
---@field place fstore.embedded.Place
---@field state "starting"|"running"|"stopping"
---@field holders table<uv_pipe_t, true> the connections of its users
---@field stoppers table<uv_pipe_t, true> of those who wait for its end
---@field kept boolean the server stays without users
---@field quitting boolean stop, whoever uses the server
---@field stopping boolean stop once
---@field server? fstore.embedded.Postmaster
local Keeper = {}
Keeper.__index = Keeper

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

-- An error in a callback would end the process without a word to the users.
local function guarded(self, fn)
  return function(...)
    local ok, message = xpcall(fn, debug.traceback, ...)
    if ok then return end
    io.stderr:write("keeper: ", message, "\n")
    self.quitting = true
  end
end

-- What users wish, by connecting to the socket of that name.
local wishes = {}

--- The server, for as long as the connection lasts. `ready` tells that it runs, now and after each time it starts.
function wishes.hold(self, pipe)
  self.holders[pipe] = true
  if self.state == "running" then pipe:write(wire.encode("ready")) end
end

--- That the server stays when its users are gone, until `stop`.
function wishes.keep(self, pipe)
  self.kept = true
  pipe:write(wire.encode("kept"))
end

function wishes.status(self, pipe)
  pipe:write(wire.encode("status", self.state, count(self.holders), self.kept, uv.os_getpid(),
    self.server and self.server.pid or "", self.version or ""))
end

--- That the server stops, if nobody uses it; the connection ends when it has stopped.
function wishes.stop(self, pipe)
  local users = count(self.holders)
  if users > 0 then return pipe:write(wire.encode("used", users)) end
  wishes.stop_by_force(self, pipe)
end

function wishes.stop_by_force(self, pipe)
  self.kept, self.stopping = false, true
  self.stoppers[pipe] = true
  for holder in pairs(self.holders) do self:drop(holder) end
end

function Keeper:drop(pipe)
  self.holders[pipe], self.stoppers[pipe] = nil, nil
  if not pipe:is_closing() then pipe:close() end
end

-- Users do not write: what can be read is their end.
function Keeper:attend(pipe, wish)
  pipe:read_start(guarded(self, function(err, data)
    if err or not data then self:drop(pipe) end
  end))
  wishes[wish](self, pipe)
end

function Keeper:listen_for(wish)
  local listener, path = uv.new_pipe(false), place.wish(self.place, wish)
  local ok, message = listener:bind(path)
  if ok then
    ok, message = listener:listen(128, guarded(self, function()
      local pipe = uv.new_pipe(false)
      listener:accept(pipe)
      -- in the next turn of the loop: who left before this one came is counted out by then
      local turn = uv.new_timer()
      turn:start(0, 0, guarded(self, function()
        turn:close()
        self:attend(pipe, wish)
      end))
    end))
  end
  if not ok then return nil, failure.system("listen on " .. path, message) end
  return true
end

function Keeper:listen()
  for wish in pairs(wishes) do
    local ok, err = self:listen_for(wish)
    if not ok then return nil, err end
  end
  return true
end

function Keeper:heed_signals()
  for _, name in ipairs { "sigint", "sigterm", "sighup" } do
    uv.new_signal():start(name, function() self.quitting = true end)
  end
  uv.new_signal():start("sigpipe", function() end) -- a user may be gone when we answer
end

function Keeper:tell_users(...)
  local line = wire.encode(...)
  for pipe in pairs(self.holders) do pipe:write(line) end
end

-- The server, ready for connections.
function Keeper:start_server()
  self.state = "starting"
  local found, settings = self.place, self.settings
  local identity = cluster.identity(found)
  local version, err = cluster.version(found)
  if err then return nil, err end
  local programs
  programs, err = binaries.find(version, self.bindir)
  if not programs then return nil, err end
  self.version = programs.version
  local ok
  ok, err = postmaster.sweep(found)
  if ok and not version then ok, err = cluster.create(found, programs, identity, settings) end
  if ok then ok, err = place.make_sockets(found, identity) end
  if not ok then return nil, err end
  self.server, err = postmaster.start(found, programs, identity, settings)
  if not self.server then return nil, err end
  ok, err = self.server:wait_ready(function() return self.quitting end)
  if not ok then return nil, err end
  self.state = "running"
  return true
end

function Keeper:is_wanted()
  return not self.quitting and not self.stopping and (self.kept or next(self.holders) ~= nil)
end

-- While the server is wanted and does not end by itself.
function Keeper:attend_users()
  local function is_over() return self.server.exited or not self:is_wanted() end
  repeat
    loop.wait(is_over)
    if self.server.exited or self.quitting or self.stopping then return end
  until not loop.wait(function() return not is_over() end, grace)
end

function Keeper:stop_server()
  self.state = "stopping"
  if self.server and not self.server.exited then self.server:stop() end
end

-- Whoever waited for the end has seen it, though others came meanwhile.
function Keeper:is_wanted_again()
  if not self:is_wanted() then return false end
  for pipe in pairs(self.stoppers) do self:drop(pipe) end
  return true
end

-- Serves until nobody wants the server any more. One that was killed is started again.
function Keeper:serve()
  local crashes = 0
  repeat
    local since = uv.hrtime()
    local ok, err = self:start_server()
    if not ok then return nil, err end
    self:tell_users("ready")
    self:attend_users()
    crashes = self.server.exited and crashes + 1 or 0
    if uv.hrtime() - since > lasting * 1e6 then crashes = 0 end
    self:stop_server()
    self.stopping = false
    if crashes > crashes_in_a_row then
      return nil, failure.new("embedded", "PostgreSQL ended by itself: "
        .. server_log.reason(self.place, self.server.mark), "see " .. self.place.log)
    end
  until not self:is_wanted_again()
  return true
end

-- The last words have to leave before the process does. Who waits for its end gets to know by that.
function Keeper:end_users()
  local open = count(self.holders)
  for pipe in pairs(self.holders) do
    pipe:shutdown(function() open = open - 1 end)
  end
  loop.wait(function() return open <= 0 end, 1000)
end

local function run(dir, settings)
  local self = setmetatable({
    state = "starting", kept = false, quitting = false, stopping = false,
    holders = {}, stoppers = {}, settings = settings, bindir = settings[bindir_setting],
  }, Keeper)
  settings[bindir_setting] = nil
  local first_user = uv.new_pipe(false)
  first_user:open(3)
  self:attend(first_user, "hold")
  self:heed_signals()
  self.place = assert(place.find(dir))
  uv.chdir(self.place.dir) -- keeps the folder's inode, which names the sockets' folder, from being used again
  local held, err = lock.take(self.place)
  if held == false then
    self:tell_users("busy")
    return self:end_users()
  end
  server_log.trim(self.place)
  local ok = held
  if ok then ok, err = place.make_runtime(self.place) end
  if ok then ok, err = self:listen() end
  if ok then ok, err = self:serve() end
  self:stop_server()
  if held then place.remove_runtime(self.place) end
  if not ok then self:tell_users("failed", err.kind, err.message, err.hint or "") end
  self:end_users()
end

local function parse_settings(words)
  local settings = {}
  for _, word in ipairs(words) do
    local name, value = word:match("^(.-)=(.*)$")
    settings[name] = value
  end
  return settings
end

uv.disable_stdio_inheritance() -- the server shall hold nothing of ours but its log
run(arg[1], parse_settings(table.pack(table.unpack(arg, 2))))
os.exit(0)
