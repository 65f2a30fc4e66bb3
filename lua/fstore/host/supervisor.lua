--- The supervisor: keeps worker processes running, replaces those that end, and drains them when it is asked to stop.
--- It holds no connection of its own: the leases of a worker that is gone come free through the next one, see the SQL
--- function free_orphaned_leases.
local backoff = require "fstore.backoff"
local core = require "fstore.core"
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"
local uv = require "luv"

---@class fstore.host.SupervisorOptions
---@field arguments string[] of the program, as a worker
---@field environment table<string, string> added to ours
---@field workers integer
---@field stop_timeout_s number that workers get to finish what is in hand
---@field once boolean workers end by themselves; one that ends well is not replaced
---@field say fun(text: string, level: string?)
---@field counted fun(handled: integer, failures: integer)
---@field ready fun() all workers are at work for the first time
---@field stopping fun()

---@class fstore.host.Child
---@field handle uv_process_t?
---@field input uv_pipe_t? its end tells the worker that we are gone
---@field started number
---@field deaths integer in a row, each soon after its start
---@field is_ready boolean
---@field is_waiting boolean for the database

---@class fstore.host.Supervisor
---@field code integer of a worker that could not go on, once
local Supervisor = {}
Supervisor.__index = Supervisor

local supervisor = {}

local FIRST_PAUSE_MS <const> = 100
local LAST_PAUSE_MS <const> = 10000
-- A worker that lived so long was no failure from the start.
local HEALTHY_MS <const> = 10000

---@param options fstore.host.SupervisorOptions
---@return fstore.host.Supervisor
function supervisor.new(options)
  return setmetatable({ options = options, children = {}, running = 0, timers = {}, code = 0 }, Supervisor)
end

local function now_ms()
  return uv.hrtime() / 1e6
end

local function count(self, field)
  local n = 0
  for _, child in ipairs(self.children) do
    n = n + (child[field] and 1 or 0)
  end
  return n
end

-- An error in a callback would end the process there and then: it is raised where `run` waits.
local function guarded(self, body)
  return function(...)
    local ok, err = xpcall(body, debug.traceback, ...)
    if not ok then
      self.failure = self.failure or err
    end
  end
end

-- ---- What workers report, a line of JSON each

local reports = {}

function reports.counted(self, _, report)
  self.options.counted(report.handled, report.failures)
end

function reports.ready(self, child)
  child.is_ready = true
  if not self.was_ready and count(self, "is_ready") == #self.children then
    self.was_ready = true
    self.options.ready()
  end
end

function reports.waiting(self, child, report)
  if count(self, "is_waiting") == 0 then
    self.options.say("waiting for the database: " .. report.reason, "error")
  end
  child.is_waiting = true
end

function reports.back(self, child)
  child.is_waiting = false
  if count(self, "is_waiting") == 0 then
    self.options.say("the database is back")
  end
end

function reports.pooled(self)
  if not self.said_pooled then
    self.said_pooled = true
    self.options.say("a pooler stands before the database: wake-ups do not come through it, the log is polled instead",
      "warning")
  end
end

local function listen(self, child, pipe)
  local rest = ""
  pipe:read_start(guarded(self, function(failure, data)
    rest = rest .. (data or "")
    for line in rest:gmatch("([^\n]*)\n") do
      local report = core.json.decode(line)
      if report and reports[report.report] then
        reports[report.report](self, child, report)
      end
    end
    rest = rest:match("[^\n]*$")
    if failure or not data then
      pipe:close()
    end
  end))
end

-- ---- Workers

-- Ours, without what is meant for us alone; the worker finds the same modules.
local function environment(self)
  local variables = uv.os_environ()
  variables.NOTIFY_SOCKET, variables.LUA_INIT, variables.LUA_INIT_5_4 = nil, nil, nil
  variables.LUA_PATH_5_4, variables.LUA_CPATH_5_4 = package.path, package.cpath
  for name, value in pairs(self.options.environment) do
    variables[name] = value
  end
  local list = {}
  for name, value in pairs(variables) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

local function command(self)
  local words = { uv.exepath(), assert(package.searchpath("fstore.host.main", package.path)) }
  return table.move(self.options.arguments, 1, #self.options.arguments, 3, words)
end

local start

local function close_input(child)
  if child.input and not child.input:is_closing() then
    child.input:close()
  end
end

local function describe(pid, code, signal)
  if signal > 0 then
    local hang = signal == uv.constants.SIGALRM and ": it hung past its lease" or ""
    return ("worker %d was ended by signal %d%s"):format(pid, signal, hang)
  end
  return ("worker %d ended with exit code %d"):format(pid, code)
end

local function replace(self, child, text)
  child.deaths = now_ms() - child.started < HEALTHY_MS and child.deaths + 1 or 1
  local pause = backoff.wait(child.deaths, FIRST_PAUSE_MS, LAST_PAUSE_MS)
  self.options.say(("%s; the next starts in %.1f s"):format(text, pause / 1000), "error")
  local timer = uv.new_timer()
  self.timers[timer] = true
  timer:start(pause, 0, guarded(self, function()
    self.timers[timer] = nil
    timer:close()
    start(self, child)
  end))
end

local function on_exit(self, child, pid, code, signal)
  self.running = self.running - 1
  close_input(child)
  local was_waiting = child.is_waiting
  child.handle, child.is_ready, child.is_waiting = nil, false, false
  if self.options.once and signal == 0 then
    self.code = math.max(self.code, code)
  elseif not self.is_stopping then
    replace(self, child, describe(pid, code, signal))
    child.is_waiting = was_waiting -- it is not said again for the next one
  elseif code ~= 0 then
    self.options.say(describe(pid, code, signal))
  end
end

function start(self, child)
  local output = uv.new_pipe(false)
  child.input, child.started = uv.new_pipe(false), now_ms()
  local pid
  child.handle, pid = process.spawn(command(self), {
    -- In a session of its own: a terminal's Ctrl-C reaches us alone.
    stdio = { child.input, output, 2 }, env = environment(self), detached = true,
  }, guarded(self, function(code, signal)
    on_exit(self, child, pid, code, signal)
  end))
  if not child.handle then
    output:close()
    close_input(child)
    return replace(self, child, "a worker could not be started: " .. pid)
  end
  self.running = self.running + 1
  listen(self, child, output)
end

local function signal_all(self, name)
  for _, child in ipairs(self.children) do
    if child.handle then
      child.handle:kill(name)
    end
  end
end

-- ---- The end

local function drain(self)
  self.is_stopping = true
  for timer in pairs(self.timers) do
    timer:close()
  end
  self.timers = {}
  self.options.stopping()
  signal_all(self, "sigterm")
  self.deadline = uv.new_timer()
  self.deadline:start(math.floor(self.options.stop_timeout_s * 1000), 0, function()
    self.options.say(("not done after %g s: what is left in hand is given up, and handled again"):format(
      self.options.stop_timeout_s), "warning")
    signal_all(self, "sigkill")
  end)
end

-- The first signal drains; the second ends all at once, ourselves as the signal does.
local function on_signal(self, handles, number)
  if not self.is_stopping then
    return drain(self)
  end
  signal_all(self, "sigkill")
  loop.wait(function() return self.running == 0 end, 1000)
  for _, handle in ipairs(handles) do
    handle:close()
  end
  uv.run("nowait")
  uv.kill(uv.os_getpid(), number)
end

---Runs the workers until they are drained, or have ended by themselves.
---@return integer exit_code of the worst that ended by itself
function Supervisor:run()
  local handles = {}
  for index, name in ipairs { "sigint", "sigterm" } do
    local number = uv.constants[name:upper()]
    handles[index] = uv.new_signal()
    handles[index]:start(name, guarded(self, function() on_signal(self, handles, number) end))
  end
  for index = 1, self.options.workers do
    self.children[index] = { deaths = 0, started = 0 }
  end
  for _, child in ipairs(self.children) do
    start(self, child)
  end
  loop.wait(function() return self.running == 0 and not next(self.timers) or self.failure end)
  for _, handle in ipairs(handles) do
    loop.close(handle)
  end
  if self.deadline then
    loop.close(self.deadline)
  end
  if self.failure then
    error(self.failure, 0)
  end
  return self.code
end

return supervisor
