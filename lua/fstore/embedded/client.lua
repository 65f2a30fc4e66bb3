--- A user's side of the connection to the keeper.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"
local loop = require "fstore.embedded.loop"
local place = require "fstore.embedded.place"
local process = require "fstore.embedded.process"
local server_log = require "fstore.embedded.server_log"
local wire = require "fstore.embedded.wire"

local client = {}

---@class fstore.embedded.Connection
---@field pipe uv_pipe_t read, never written to
---@field words string[][] that came and were not taken yet
---@field ended boolean the keeper is gone
---@field is_first? boolean the keeper was started with it
local Connection = {}
Connection.__index = Connection

local function new_connection(pipe)
  return setmetatable({ pipe = pipe, words = {}, ended = false }, Connection)
end

function Connection:start()
  wire.listen(self.pipe, function(fields) table.insert(self.words, fields) end, function() self.ended = true end)
  return self
end

--- The next word, nil when the keeper is gone. There is no time limit: a living keeper answers, though a recovery
--- after a crash may come first.
---@return string[]?
function Connection:hear()
  loop.wait(function() return self.words[1] or self.ended end)
  return table.remove(self.words, 1)
end

--- Waits until the keeper is gone.
function Connection:hear_end()
  loop.wait(function() return self.ended end)
end

--- From now on nothing is read, and the caller's own event loop may end: the kernel alone holds the connection.
function Connection:rest()
  self.pipe:read_stop()
  self.pipe:unref()
end

function Connection:close()
  loop.close(self.pipe)
end

--- Tells a wish to the keeper of a place; nil when there is none.
---@param found fstore.embedded.Place
---@param wish "hold"|"keep"|"status"|"stop"|"stop_by_force"
---@return fstore.embedded.Connection?
function client.connect(found, wish)
  if not place.is_private(found, found.owner.uid) then return nil end
  local pipe, done, failed = uv.new_pipe(false), false, nil
  pipe:connect(place.wish(found, wish), function(err) done, failed = true, err end)
  loop.wait(function() return done end)
  if not failed then return new_connection(pipe):start() end
  loop.close(pipe)
  return nil
end

-- The interpreter: this one, if the program is one.
local function interpreter()
  local program = uv.exepath()
  return program and program:match("/lua[%d.]*$") and program or "lua5.4"
end

-- `setsid --fork`: no terminal's Ctrl-C reaches the keeper, and it is nobody's child to be waited for.
local function keeper_command(found, options)
  local script = assert(package.searchpath("fstore.embedded.keeper", package.path))
  local command = { "setsid", "--fork", interpreter(), script, found.dir }
  for name, value in pairs(options) do command[#command + 1] = name .. "=" .. value end
  return command
end

--- Starts a keeper. It takes the connection for its first user's; if another keeper is there, it says `busy` and ends.
---@param found fstore.embedded.Place
---@param options table<string, string>
---@return fstore.embedded.Connection?
---@return fstore.embedded.Failure? err
function client.start_keeper(found, options)
  local log, err = files.open_private(found.log, found.owner)
  if not log then return nil, err end
  local pipe, exited = uv.new_pipe(false), false
  local is_foreign = uv.getuid() == 0 and found.owner.uid ~= 0
  local handle, message = process.spawn(keeper_command(found, options), {
    stdio = { nil, log, log, pipe },
    env = process.environment { LUA_PATH_5_4 = package.path, LUA_CPATH_5_4 = package.cpath },
    uid = is_foreign and found.owner.uid or nil, gid = is_foreign and found.owner.gid or nil,
  }, function() exited = true end)
  uv.fs_close(log)
  if not handle then
    loop.close(pipe)
    return nil, failure.system("run setsid (package util-linux)", message --[[@as string]])
  end
  local connection = new_connection(pipe):start()
  connection.is_first = true
  loop.wait(function() return exited end)
  return connection
end

--- A keeper that ended without a word.
---@param found fstore.embedded.Place
---@param mark integer the log's end before
---@return fstore.embedded.Failure
function client.stillborn(found, mark)
  return failure.new("embedded", "the server's keeper ended: " .. server_log.reason(found, mark), "see " .. found.log)
end

return client
