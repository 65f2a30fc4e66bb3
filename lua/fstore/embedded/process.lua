--- Child processes: who they run as, in which environment, and running one to its end.
local uv = require "luv"
local loop = require "fstore.embedded.loop"

---@class fstore.embedded.Identity the unprivileged user that serves root
---@field uid integer
---@field gid integer

local process = {}

-- What must not reach the server or its keeper: start-up code and preloaded libraries meant for the caller,
-- and libpq's settings, which point to some other server.
local function is_private(name)
  return name:find("^LUA_") or name:find("^PG") or name == "LD_PRELOAD"
end

--- The environment for a child, as luv wants it.
---@param extra? table<string, string>
---@return string[]
function process.environment(extra)
  local list = {}
  for name, value in pairs(uv.os_environ()) do
    if not is_private(name) then list[#list + 1] = name .. "=" .. value end
  end
  for name, value in pairs(extra or {}) do list[#list + 1] = name .. "=" .. value end
  return list
end

--- Puts `setpriv` before a command: it gives the command another user, and sends it a signal when we die.
---@param identity? fstore.embedded.Identity
---@param signal string
---@param command string[]
---@return string[]
function process.bound(identity, signal, command)
  local bound = { "setpriv", "--pdeathsig", signal }
  if identity then
    table.move({ "--reuid=" .. identity.uid, "--regid=" .. identity.gid, "--clear-groups" }, 1, 3, 4, bound)
  end
  return table.move(command, 1, #command, #bound + 1, bound)
end

--- Starts a command; `on_exit(code, signal)` is called from the loop.
---@param command string[]
---@param options table luv's spawn options without `args`
---@param on_exit fun(code: integer, signal: integer)
---@return uv_process_t? handle
---@return integer|string pid or message
function process.spawn(command, options, on_exit)
  options.args = table.move(command, 2, #command, 1, {})
  options.env = options.env or process.environment()
  local handle, pid
  handle, pid = uv.spawn(command[1], options, function(code, signal)
    handle:close()
    on_exit(code, signal)
  end)
  if not handle then uv.run("nowait") end -- lets luv drop the process that never was
  return handle, pid
end

-- Input comes from a file: writing to a pipe whose reader has ended would kill us by SIGPIPE.
local function open_input(text)
  local fd, path = assert(uv.fs_mkstemp("/tmp/fstore-input-XXXXXX"))
  uv.fs_unlink(path)
  assert(uv.fs_write(fd, text, 0)) -- at an offset: the position stays where reading begins
  return fd
end

-- The list ends with something, for luv takes its length although there may be a hole at its front.
local function stdio(input, output, options)
  if options.inherit then return { input, output, options.errors or 2, options.inherit } end
  return { input, output, options.errors or 2 }
end

-- Reads a pipe to its end; the result is a function that tells whether it was reached.
local function collect(pipe, chunks)
  local ended = false
  pipe:read_start(function(err, data)
    if err or not data then ended = true end
    chunks[#chunks + 1] = data
  end)
  return function() return ended end
end

--- Runs a command to its end.
---@param command string[]
---@param options? { input?: string, errors?: integer, inherit?: integer, cwd?: string }
---  `errors`: a file descriptor for its stderr, ours by default; `inherit`: one that it gets as number 3
---@return integer? code nil when it could not be started; 128 + signal when it was killed
---@return string output or message
function process.run(command, options)
  options = options or {}
  local chunks, code = {}, nil
  local output, input = uv.new_pipe(false), options.input and open_input(options.input)
  local handle, message = process.spawn(command, { stdio = stdio(input or nil, output, options), cwd = options.cwd },
    function(status, signal) code = signal > 0 and 128 + signal or status end)
  if input then uv.fs_close(input) end
  local ended = handle and collect(output, chunks)
  if handle then loop.wait(function() return code and ended() end) end
  loop.close(output)
  if not handle then return nil, message --[[@as string]] end
  return code, table.concat(chunks)
end

--- Whether a process is there and is more than a corpse that its parent has not buried.
---@param pid integer
---@return boolean
function process.is_alive(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end
  local state = (file:read("a") or ""):match("^.*%) (%a)")
  file:close()
  return state ~= nil and state ~= "Z" and state ~= "X"
end

return process
