--- The host as a user runs it: build/bin/fstore-lua in a process of its own.
---
---   local host = require "spec.support.host"
---   local result = host.run({ "events" }, { db = conninfo })            -- to its end
---   local running = host.start({ "project", script }, { db = conninfo }) -- and on
---   running:signal("sigterm"); result = running:wait()                   -- result.code, .out, .err
local embedded_loop = require "fstore.embedded.loop"
local json = require "fstore.core".json
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

local host = {}

--- The program, for command lines of a shell: `$FSTORE`.
host.program = uv.cwd() .. "/build/bin/fstore-lua"

-- A program that ends before it has read its input is no end of ours.
local broken_pipe = uv.new_signal()
broken_pipe:start("sigpipe", function() end)
broken_pipe:unref()

local LIMIT <const> = 15000 -- ms after which something that should happen has failed to

---@param done fun(): any
---@param what string
local function wait_for(done, what)
  assert(embedded_loop.poll(done, LIMIT), "waited in vain for " .. what)
end

host.wait_for = wait_for

---@class spec.Result
---@field code integer 128 + signal when it was killed
---@field out string
---@field err string
local Result = {}
Result.__index = Result

--- The lines of stdout as JSON.
---@return table[]
function Result:rows()
  local rows = {}
  for line in self.out:gmatch("[^\n]+") do
    rows[#rows + 1] = assert(json.decode(line))
  end
  return rows
end

---@class spec.Running a process whose output is collected
---@field pid integer
local Running = {}
Running.__index = Running

local function collect(pipe)
  local stream = { text = "" }
  pipe:read_start(function(failure, data)
    stream.text = stream.text .. (data or "")
    if failure or not data then
      stream.ended = true
      pipe:close()
    end
  end)
  return stream
end

---@class spec.HostOptions
---@field db string? conninfo, for FSTORE_URL
---@field input string? all of stdin (default: it stays open, for `write`)
---@field env table<string, string>?
---@field cwd string?

---@param command string[]
---@param options spec.HostOptions
---@return spec.Running
local function spawn(command, options)
  local env = { FSTORE_URL = options.db, FSTORE = host.program }
  for name, value in pairs(options.env or {}) do
    env[name] = value
  end
  local input, output, messages = uv.new_pipe(false), uv.new_pipe(false), uv.new_pipe(false)
  local self = setmetatable({ input = input }, Running)
  -- Nothing is left running by a spec that fails.
  self.process, self.pid = process.spawn(process.bound(nil, "KILL", command), {
    stdio = { input, output, messages }, env = process.environment(env), cwd = options.cwd,
  }, function(code, signal)
    self.code = signal > 0 and 128 + signal or code
  end)
  assert(self.process, self.pid)
  self.output, self.messages = collect(output), collect(messages)
  if options.input then
    self:write(options.input)
    self:close_input()
  end
  return self
end

--- Starts the host.
---@param arguments string[]
---@param options spec.HostOptions?
---@return spec.Running
function host.start(arguments, options)
  return spawn(table.move(arguments, 1, #arguments, 2, { host.program }), options or {})
end

--- Runs the host to its end; stdin is empty unless given.
---@param arguments string[]
---@param options spec.HostOptions?
---@return spec.Result
function host.run(arguments, options)
  local running = host.start(arguments, options)
  running:close_input()
  return running:wait()
end

--- Starts a command line of a shell; the host is `$FSTORE` in it.
---@param line string
---@param options spec.HostOptions?
---@return spec.Running
function host.start_shell(line, options)
  return spawn({ "sh", "-c", line }, options or {})
end

--- Runs a command line of a shell to its end.
---@param line string
---@param options spec.HostOptions?
---@return spec.Result
function host.shell(line, options)
  local running = host.start_shell(line, options)
  running:close_input()
  return running:wait()
end

--- Runs the host with stdin, stdout and stderr on a terminal of 120 columns.
---@param arguments string words for a shell
---@param options spec.HostOptions?
---@return spec.Result out: all that appeared, without carriage returns
function host.on_terminal(arguments, options)
  local line = "script -qec 'stty cols 120; exec $FSTORE %s' /dev/null </dev/null"
  local result = host.shell(line:format(arguments), options)
  result.out = result.out:gsub("\r\n", "\n")
  return result
end

---@param text string
function Running:write(text)
  self.input:write(text)
end

function Running:close_input()
  if not self.input:is_closing() then
    self.input:shutdown(function() self.input:close() end)
  end
end

---@param name string as luv has it: "sigterm"
function Running:signal(name)
  self.process:kill(name)
end

--- Waits until the process has said something.
---@param pattern string of stdout
function Running:wait_for_output(pattern)
  wait_for(function() return self.output.text:find(pattern) end, "output " .. pattern)
end

---@param pattern string of stderr
function Running:wait_for_message(pattern)
  wait_for(function() return self.messages.text:find(pattern) end, "message " .. pattern)
end

--- Waits until the process has used so much of a processor: it is busy by itself.
---@param seconds number
function Running:wait_for_work(seconds)
  local ticks = seconds * 100
  wait_for(function()
    local fields = io.open(("/proc/%d/stat"):format(self.pid)):read("a"):match("%) (.*)")
    return tonumber(fields:match("^" .. ("%S+ "):rep(11) .. "(%d+)")) >= ticks
  end, "work")
end

--- Waits for its end.
---@return spec.Result
function Running:wait()
  wait_for(function() return self.code and self.output.ended and self.messages.ended end, "the end of the program")
  embedded_loop.close(self.input)
  return setmetatable({ code = self.code, out = self.output.text, err = self.messages.text }, Result)
end

local folder

--- Writes a file into a folder that goes with the test process.
---@param name string
---@param content string
---@return string path
function host.file(name, content)
  folder = folder or server.lasting_folder()
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
  return path
end

--- Commands as NDJSON.
---@param ... table
---@return string
function host.commands(...)
  local lines = {}
  for index, command in ipairs { ... } do
    lines[index] = json.encode(command) .. "\n"
  end
  return table.concat(lines)
end

return host
