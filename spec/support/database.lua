--- Databases for specs, on one embedded server that lives as long as the test process.
---
---   local database = require "spec.support.database"
---   local conninfo = database.fresh()                   -- with our schema installed
---   local conninfo = database.fresh { empty = true }    -- without
---   assert.equal("1", database.query(conninfo, "select 1"))
local embedded = require "fstore.embedded"
local process = require "fstore.embedded.process"
local uv = require "luv"

local database = {}

local home = "build/test-db"
-- What a test loses in a crash of the machine does not matter.
local settings = { fsync = "off", full_page_writes = "off", max_connections = 200, log_checkpoints = "off" }

-- handle: the server's, held until the process ends; made: how many databases; template: the name of ours
local state = require "spec.support.shared" "database" ---@type { handle: table?, made: integer?, template: string? }
local prefix = ("test_%d_"):format(uv.os_getpid())

-- Runs psql; raises its messages.
local function psql(conninfo, arguments, input)
  local command = { "sh", "-c", 'exec psql "$@" 2>&1', "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo }
  table.move(arguments, 1, #arguments, #command + 1, command)
  local code, output = process.run(command, { input = input })
  if code ~= 0 then error(output, 3) end
  return output
end

--- Runs SQL text; the result is psql's unaligned output without the last newline.
---@param conninfo string
---@param sql string
---@return string
function database.query(conninfo, sql)
  return (psql(conninfo, { "-A", "-t", "-f", "-" }, sql):gsub("\n$", ""))
end

---@param name string
---@return string conninfo of a database on the server
function database.named(name)
  database.server()
  return (state.handle.conninfo:gsub("dbname=%w+", "dbname=" .. name))
end

-- Other test processes may be using theirs.
local function drop_leftovers(conninfo)
  local names = database.query(conninfo, "select datname from pg_database where datname like 'test\\_%'")
  for name, pid in names:gmatch("(test_(%d+)_%w+)") do
    if not process.is_alive(math.tointeger(pid)) or name:find(prefix, 1, true) == 1 then
      database.query(conninfo, ('drop database if exists "%s" with (force)'):format(name))
    end
  end
end

--- The maintenance database. Starts the server at first use.
---@return string conninfo
function database.server()
  if not state.handle then
    state.handle = assert(embedded.open(home, { settings = settings }))
    drop_leftovers(database.named("postgres"))
  end
  return (state.handle.conninfo:gsub("dbname=%w+", "dbname=postgres"))
end

local function create(name, from)
  database.query(database.server(), ('create database "%s" template "%s"'):format(name, from))
  return database.named(name)
end

-- The schema is installed once and copied from then on.
local function template_name()
  if not state.template then
    local name = prefix .. "template"
    psql(create(name, "template0"), { "-f", "sql/install.sql" })
    state.template = name
  end
  return state.template
end

--- A new database for the caller alone.
---@param options? { empty?: boolean } empty: without our schema
---@return string conninfo
function database.fresh(options)
  state.made = (state.made or 0) + 1
  return create(prefix .. state.made, options and options.empty and "template0" or template_name())
end

--- Drops a database made by `fresh`, whoever uses it. They all go with the next run anyway.
---@param conninfo string
function database.drop(conninfo)
  local name = conninfo:match("dbname=(%S+)")
  database.query(database.server(), ('drop database if exists "%s" with (force)'):format(name))
end

return database
