--- The server of a run, and what is installed on it: our store, the same tables without rules, the original schema.
local core = require "fstore.core"
local embedded = require "fstore.embedded"
local files = require "fstore.embedded.files"
local fstore = require "fstore"
local process = require "fstore.embedded.process"
local uv = require "luv"

---@class bench.Server
---@field root string of the repository
---@field seed string? path of the original schema
---@field conninfo string
local Server = {}
Server.__index = Server

local servers = {}

-- Commits are durable; the rest is what a server with some memory has.
local SETTINGS <const> = {
  fsync = "on", synchronous_commit = "on", full_page_writes = "on", shared_buffers = "512MB", max_wal_size = "4GB",
  checkpoint_timeout = "30min", max_connections = "50", log_checkpoints = "off",
}

---@param options { root: string, seed: string? }
---@return bench.Server
function servers.open(options)
  local dir = options.root .. "/build/bench/server"
  embedded.destroy(dir, { force = true })
  local handle = assert(embedded.open(dir, { settings = SETTINGS }))
  return setmetatable({
    root = options.root, seed = options.seed, dir = dir, handle = handle, conninfo = handle.conninfo, made = 0,
  }, Server)
end

Server.__close = function(self)
  self.handle:close()
  embedded.destroy(self.dir, { force = true })
end

function Server:new_name(prefix)
  self.made = self.made + 1
  return prefix .. self.made
end

---@param schema string?
---@return fstore.Connection
function Server:connect(schema)
  return assert(core.connect(self.conninfo, { schema = schema }))
end

---A connection for the original schema: its functions look their tables up in search_path.
---@param schema string
---@return fstore.Connection
function Server:connect_to_original(schema)
  local connection = self:connect(schema)
  assert(connection:exec("SET search_path = " .. schema))
  return connection
end

local function views_of(store, count)
  for index = 1, count do
    assert(store:register_view { view = "view" .. index, start_at = "-infinity" })
  end
end

---A new store of ours.
---@param views integer?
---@return fstore.Store
function Server:store(views)
  local store = assert(fstore.connect(self.conninfo, { schema = self:new_name("ours") }))
  assert(store:migrate())
  assert(store:register_decider_event("Order", "OrderPlaced", "an order was placed"))
  views_of(store, views or 0)
  return store
end

---Our tables with their indexes and foreign keys, but nothing that checks, or fills the locks in.
---@param views integer?
---@return string schema
function Server:plain(views)
  local store <close> = self:store(views)
  assert(store:exec(("ALTER TABLE %s.events DISABLE TRIGGER USER"):format(store:schema())))
  assert(store:exec(("ALTER TABLE %s.locks DISABLE TRIGGER USER"):format(store:schema())))
  return store:schema()
end

---The original schema, in a schema of its own; nil when none is given.
---@param views integer?
---@return string? schema
function Server:original(views)
  if not self.seed then
    return nil
  end
  local schema = self:new_name("original")
  local sql = assert(files.read(self.seed), "cannot read " .. self.seed)
  local connection <close> = self:connect()
  assert(connection:exec(("CREATE SCHEMA %s; SET search_path = %s; SET client_min_messages = warning; %s")
    :format(schema, schema, sql)))
  assert(connection:exec("SELECT register_decider_event('Order', 'OrderPlaced', 'an order was placed')"))
  for index = 1, views or 0 do
    assert(connection:exec(("SELECT register_view('view%d', '-infinity')"):format(index)))
  end
  return schema
end

---Runs a program to its end and returns what it wrote.
---@param command string[]
---@param options table?
function Server:run(command, options)
  local code, output = process.run(command, options)
  if code ~= 0 then
    error(("%s: exit %s: %s"):format(command[1], code, output), 0)
  end
  return output
end

---The same without what it says on stderr.
function Server:run_quietly(command, options)
  local null = assert(uv.fs_open("/dev/null", "w", 0))
  options.errors = null
  local output = self:run(command, options)
  uv.fs_close(null)
  return output
end

---Items a second of the plain libpq program.
---@param mode string
---@param options { sql: string, seconds: number, clients: integer?, size: integer?, schema: string? }
function Server:baseline(mode, options)
  local path = options.schema and (" options='-c search_path=%s'"):format(options.schema) or ""
  return tonumber(self:run {
    self.root .. "/build/bench/baseline", mode, self.conninfo .. path, tostring(options.seconds),
    tostring(options.clients or 1), tostring(options.size or 10), options.sql,
  })
end

---Starts a Lua program of ours beside what follows; closing the result waits until it has ended.
---@param arguments string[] its path in the repository first
function Server:background(arguments)
  local ended, handle = false, nil
  arguments[1] = self.root .. "/" .. arguments[1]
  handle = assert(uv.spawn("lua5.4", { args = arguments, stdio = { nil, nil, 2 } }, function(code)
    handle:close()
    assert(code == 0, arguments[1] .. " failed")
    ended = true
  end))
  return setmetatable({}, { __close = function()
    while not ended do
      uv.run("once")
    end
  end })
end

---Events a second that our clients append together, each a process of its own.
---@param options { schema: string, seconds: number, clients: integer, is_original: boolean? }
function Server:appenders(options)
  local rates = {}
  for _ = 1, options.clients do
    rates[#rates + 1] = ("lua5.4 '%s/bench/appender.lua' '%s' %s %s %s &"):format(
      self.root, self.conninfo, options.schema, options.seconds, options.is_original and "original" or "")
  end
  local total = 0
  for rate in self:run({ "sh", "-c", table.concat(rates, " ") .. " wait" }):gmatch("%S+") do
    total = total + tonumber(rate)
  end
  return total
end

---Statistics as they are after a while of use: what autovacuum would have done by now.
function Server:settle(...)
  local connection <close> = self:connect()
  for _, table_name in ipairs { ... } do
    assert(connection:exec("VACUUM ANALYZE " .. table_name))
  end
  assert(connection:exec("CHECKPOINT"))
end

return servers
