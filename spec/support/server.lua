--- For specs of the embedded server: folders to throw away, users as processes of their own, and what is left running.
local embedded = require "fstore.embedded"
local files = require "fstore.embedded.files"
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"
local uv = require "luv"

local server = {}

local limit = 20000 -- ms after which something that should happen has failed to
local folders = {}

--- Settings that make a server quick; none of the specs crashes the machine.
server.quick = { fsync = "off" }

local function make_folder()
  local path = assert(uv.fs_mkdtemp(("/tmp/fstore-spec-%d-XXXXXX"):format(uv.os_getpid())))
  uv.fs_chmod(path, 493) -- 0755
  return path
end

--- A new folder, that the server's user can enter. `sweep` removes it.
---@return string path
function server.folder()
  folders[#folders + 1] = make_folder()
  return folders[#folders]
end

--- Removes the folders of `folder`: call it after each spec.
function server.sweep()
  for _, path in ipairs(folders) do assert(files.remove(path)) end
  folders = {}
end

-- What processes left behind that could not clean up.
for _, name in ipairs(files.list("/tmp")) do
  local pid = name:match("^fstore%-spec%-(%d+)%-")
  if pid and not process.is_alive(math.tointeger(pid)) then files.remove("/tmp/" .. name) end
end

-- lasting: paths; template, common: folders whose data are made; no server runs in the first
local state = require "spec.support.shared" "server"
state.lasting = state.lasting or setmetatable({}, { __gc = function(paths)
  for _, path in ipairs(paths) do files.remove(path) end
end })

--- A new folder that stays until the process ends.
---@return string path
function server.lasting_folder()
  local path = make_folder()
  table.insert(state.lasting, path)
  return path
end

local function make_template()
  local dir = server.lasting_folder() .. "/.fstore"
  local handle, status = server.open(dir)
  assert(server.query(handle.conninfo, "create table t as select 42 as n"))
  handle:close()
  assert(server.is_gone(status))
  return dir
end

local function copy_template(parent)
  state.template = state.template or make_template()
  assert(process.run { "cp", "-a", state.template, parent } == 0)
  return parent .. "/.fstore"
end

--- A new embedded server's folder whose data are made, with 42 in `t`.
---@return string dir
function server.used_folder()
  return copy_template(server.folder())
end

--- The same folder each time, for specs that leave it as they found it.
---@return string dir
function server.common_folder()
  state.common = state.common or copy_template(server.lasting_folder())
  return state.common
end

---@param done fun(): any
---@return boolean
function server.eventually(done)
  return loop.poll(done, limit)
end

--- Lets time pass, where that is what the spec is about.
---@param milliseconds integer
server.pause = loop.sleep

--- Whether a process ends by itself.
---@param pid integer
---@return boolean
function server.ends(pid)
  return server.eventually(function() return not process.is_alive(pid) end)
end

--- Whether nothing is left of a server: call it with the status from before.
---@param status fstore.embedded.Status
---@return boolean
function server.is_gone(status)
  local runtime = status.conninfo:match("host=(%S+)/pg")
  return server.ends(status.keeper_pid) and server.ends(status.server_pid) and not uv.fs_lstat(runtime)
end

--- Runs SQL text with psql.
---@return boolean ok
---@return string output
function server.query(conninfo, sql)
  local code, output = process.run { "sh", "-c", 'exec psql "$@" 2>&1', "psql", "-XAtqd", conninfo, "-c", sql }
  return code == 0, (output:gsub("\n$", ""))
end

--- Starts a query and leaves it; the result waits for its end.
---@return fun() wait
function server.start_query(conninfo, sql)
  local ended = false
  assert(process.spawn({ "psql", "-XAtqd", conninfo, "-c", sql }, {}, function() ended = true end))
  return function() assert(server.eventually(function() return ended end)) end
end

--- Leaves a socket on the disk that nobody listens on, as a killed process does.
function server.leave_socket(path)
  local program = [[
    local uv = require "luv"
    uv.new_pipe(false):bind(arg[1])
    uv.kill(uv.os_getpid(), "sigkill")]]
  process.run { "sh", "-c", [[exec lua5.4 -e "$1" - "$2" </dev/null]], "sh", program, path }
  return uv.fs_lstat(path)
end

---@class spec.ServerUser
---@field pid integer
---@field word string[] what it said
local User = {}
User.__index = User

local function read_line(pipe)
  local text, ended = "", false
  pipe:read_start(function(_, data)
    if data then text = text .. data else ended = true end
  end)
  server.eventually(function() return ended or text:find("\n") end)
  return text:gsub("\n.*", "")
end

local function split(line)
  local words = {}
  for word in line:gmatch("[^\t]+") do words[#words + 1] = word end
  return words
end

--- Starts a user of a folder. `hear` waits for its word.
---@param dir string
---@param options? { identity: fstore.embedded.Identity?, lua: string?, passed_on: integer? }
---  `lua`: the folder of the Lua sources; `passed_on`: a descriptor that it gets as number 5
---@return spec.ServerUser
function server.start_user(dir, options)
  options = options or {}
  local lua = options.lua or uv.cwd() .. "/lua"
  local script = lua:gsub("/lua$", "/spec/support/server_user.lua")
  local command = { "lua5.4", script, dir, "fsync=off" }
  if options.identity then command = process.bound(options.identity, "KILL", command) end
  local self = setmetatable({ input = uv.new_pipe(false), output = uv.new_pipe(false) }, User)
  self.child, self.pid = process.spawn(command, {
    stdio = { self.input, self.output, 2, 2, 2, options.passed_on or 2 }, detached = true, -- a group of its own
    env = process.environment { LUA_PATH_5_4 = ("%s/?.lua;%s/?/init.lua;;"):format(lua, lua) },
  }, function() self.exited = true end)
  assert(self.child, self.pid)
  return self
end

function User:hear()
  self.word = split(read_line(self.output))
  if self.word[1] == "open" then
    self.status = { keeper_pid = tonumber(self.word[3]), server_pid = tonumber(self.word[4]), conninfo = self.word[5] }
  end
  return self
end

--- Lets it end.
function User:leave()
  loop.close(self.input)
  self:wait()
end

function User:kill()
  uv.kill(self.pid, "sigkill")
  loop.close(self.input)
  self:wait()
end

function User:wait()
  assert(server.eventually(function() return self.exited end))
  loop.close(self.output)
end

--- Sends SIGINT to all processes of the user's group, as a terminal does.
function User:interrupt()
  process.run { "kill", "-INT", "--", "-" .. self.pid }
  loop.close(self.input)
  self:wait()
end

--- A user who has the server.
---@return spec.ServerUser
function server.user(dir, options)
  local user = server.start_user(dir, options):hear()
  assert(user.word[1] == "open", table.concat(user.word, " "))
  return user
end

--- An open handle with quick settings, and its status.
---@param dir string
---@return fstore.embedded.Handle
---@return fstore.embedded.Status
function server.open(dir)
  local handle = assert(embedded.open(dir, { settings = server.quick }))
  return handle, embedded.status(dir)
end

return server
