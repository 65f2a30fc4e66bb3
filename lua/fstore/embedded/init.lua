--- A PostgreSQL server of one's own, in a folder: started on demand, shared by all who open the folder, stopped when
--- the last of them is gone.
local uv = require "luv"
local check = require "fstore.check"
local client = require "fstore.embedded.client"
local cluster = require "fstore.embedded.cluster"
local failure = require "fstore.embedded.failure"
local lock = require "fstore.embedded.lock"
local loop = require "fstore.embedded.loop"
local place = require "fstore.embedded.place"
local server_log = require "fstore.embedded.server_log"

local embedded = {}

---@class fstore.embedded.Options
---@field settings? table<string, string|number> of the server, such as { fsync = "off" }, if this starts it
---@field bindir? string the folder of `initdb` and `postgres`, found by itself otherwise
---@field patience? integer milliseconds for a keeper that is there to answer; default 15000

---@class fstore.embedded.Status
---@field state "stopped"|"starting"|"running"|"stopping"
---@field dir? string
---@field conninfo? string
---@field url? string
---@field users? integer
---@field kept? boolean it stays without users
---@field keeper_pid? integer
---@field server_pid? integer
---@field version? string major version of PostgreSQL

local default_dir = ".fstore"
local patience = 15000

---@class fstore.embedded.Handle
---@field conninfo string for libpq
---@field url string the same
---@field started boolean whether this call started the server
---@field dir string real path of the folder
---@field package place fstore.embedded.Place
---@field package connection fstore.embedded.Connection
local Handle = {}
local handle_metatable = { __name = "fstore.embedded", __index = Handle }

--- Gives the server back. It stops a moment later if nobody else uses it.
function Handle:close()
  self.connection:close()
end

--- Keeps the server when all its users are gone, until `embedded.stop`.
---@return true? ok
---@return fstore.embedded.Failure? err
function Handle:keep()
  local connection = client.connect(self.place, "keep")
  local word = connection and connection:hear()
  if connection then connection:close() end
  if word then return true end
  return nil, failure.new("embedded", "the server is gone")
end

handle_metatable.__gc = Handle.close
handle_metatable.__close = Handle.close

function handle_metatable:__tostring()
  return ("fstore.embedded: %s"):format(self.dir)
end

local known_options = { settings = "table|nil", bindir = "string|nil", patience = "integer|nil" }

local function check_arguments(name, dir, options, known)
  check.type(("embedded.%s: dir"):format(name), dir, "string|nil", 4)
  return dir or default_dir, check.options("embedded." .. name, options, known or {}, 4)
end

-- What the keeper gets to know, as strings.
local function keeper_options(options)
  local words = { bindir = options.bindir }
  for name, value in pairs(options.settings or {}) do words[name] = tostring(value) end
  return words
end

local function make_handle(found, connection)
  connection:rest()
  return setmetatable({
    conninfo = found.conninfo, url = found.url, dir = found.dir,
    started = connection.is_first == true, place = found, connection = connection,
  }, handle_metatable)
end

local function ask_keeper(found, options)
  local connection = client.connect(found, "hold")
  if connection then return connection end
  return client.start_keeper(found, options)
end

-- One attempt; nil without an error: a keeper is about to come or to go, try again.
local function attempt(found, options)
  local mark = server_log.mark(found)
  local connection, err = ask_keeper(found, options)
  if not connection then return nil, err end
  local word = connection:hear()
  if word and word[1] == "ready" then return make_handle(found, connection) end
  connection:close()
  if word and word[1] == "failed" then
    return nil, failure.new(word[2], word[3], word[4] ~= "" and word[4] or nil)
  end
  return nil, not word and connection.is_first and client.stillborn(found, mark) or nil
end

--- Opens the server of a folder, starting it if need be; the first time, the folder and an empty database are made.
--- The server stays as long as the handle: keep it as long as connections are used.
---@param dir? string default ".fstore"
---@param options? fstore.embedded.Options
---@return fstore.embedded.Handle?
---@return fstore.embedded.Failure? err
function embedded.open(dir, options)
  dir, options = check_arguments("open", dir, options, known_options)
  local deadline = uv.hrtime() + (options.patience or patience) * 1e6
  repeat
    local found, err = place.create(dir)
    if not found then return nil, err end
    local handle
    handle, err = attempt(found, keeper_options(options))
    if handle or err then return handle, err end
    loop.sleep(10)
  until uv.hrtime() > deadline
  return nil, failure.new("embedded", "the keeper of " .. dir .. " holds the folder but cannot be reached",
    "does it run in another container, or is its folder in /tmp gone? End its process, then try again")
end

--- How the server of a folder is; this starts nothing.
---@param dir? string default ".fstore"
---@return fstore.embedded.Status
function embedded.status(dir)
  dir = check_arguments("status", dir)
  local found = place.find(dir)
  local connection = found and client.connect(found, "status")
  if not found or not connection then return { state = "stopped", dir = found and found.dir } end
  local word = connection:hear()
  connection:close()
  if not word then return { state = "stopped", dir = found.dir } end
  return {
    dir = found.dir, conninfo = found.conninfo, url = found.url,
    state = word[2], users = math.tointeger(word[3]), kept = word[4] == "true",
    keeper_pid = math.tointeger(word[5]), server_pid = math.tointeger(word[6]), version = word[7],
  }
end

--- Stops the server of a folder and waits until it has stopped.
---@param dir? string default ".fstore"
---@param options? { force?: boolean } even if it is in use
---@return boolean? stopped false when it was not running
---@return fstore.embedded.Failure? err when it is in use
function embedded.stop(dir, options)
  dir, options = check_arguments("stop", dir, options, { force = "boolean|nil" })
  local found = place.find(dir)
  local connection = found and client.connect(found, options.force and "stop_by_force" or "stop")
  if not connection then return false end
  local word = connection:hear()
  if not word then connection:hear_end() end
  connection:close()
  if not word then return true end
  local users = math.tointeger(word[2])
  local err = failure.new("embedded", ("the server is in use by %d other%s"):format(users, users == 1 and "" or "s"))
  err.users = users
  return nil, err
end

-- Everything that is ours; the folder itself only if nothing else is in it.
local function remove_all(found)
  local ok, err = cluster.remove(found)
  if not ok then return nil, err end
  place.remove_runtime(found)
  for _, path in ipairs { found.log, found.dir .. "/.gitignore", found.lock } do uv.fs_unlink(path) end
  uv.fs_rmdir(found.dir)
  return true
end

--- Stops the server of a folder and removes all its data.
---@param dir? string default ".fstore"
---@param options? { force?: boolean } even if it is in use
---@return boolean? destroyed false when there was nothing
---@return fstore.embedded.Failure? err
function embedded.destroy(dir, options)
  dir, options = check_arguments("destroy", dir, options, { force = "boolean|nil" })
  local stopped, err = embedded.stop(dir, options)
  if stopped == nil then return nil, err end
  local found = place.find(dir)
  if not found then return false end
  local held
  loop.poll(function() -- the keeper that was stopped may not be quite gone
    held, err = lock.take(found)
    return held ~= false
  end, 2000)
  if held == false then err = failure.new("embedded", "the server is being started by somebody else") end
  if not held then return nil, err end
  local ok
  ok, err = remove_all(found)
  uv.fs_close(held)
  return ok, err
end

return embedded
