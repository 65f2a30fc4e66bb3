--- The store: the SQL contract as methods, over one connection.
local check = require "fstore.check"
local core = require "fstore.core"
local errors = require "fstore.errors"
local migrations = require "fstore.migrations"

---@class fstore.Store
---@field package connection fstore.Connection
---@field package server table? the embedded server that the store holds, if any
---@field package open fun(): fstore.Connection?, table what it was made by: a connection and a server, or nil and why
---@field package first_error fstore.Error? of the open transaction
local Store = {}
Store.__index = Store
Store.__name = "fstore.store"

for _, part in ipairs { "event_sourcing", "event_streaming", "operations" } do
  for name, method in pairs(require("fstore.store." .. part)) do
    Store[name] = method
  end
end

local store = {}

local function new(open)
  local connection, server = open()
  if not connection then
    return nil, server
  end
  return setmetatable({ connection = connection, server = server, open = open }, Store)
end

---@param conninfo string|table
---@param options { schema: string? }?
---@return fstore.Store? store, fstore.Error? err
function store.connect(conninfo, options)
  check.type("fstore.connect: conninfo", conninfo, "string|table")
  options = check.options("fstore.connect", options, { schema = "string|nil" })
  return new(function()
    local connection, err = core.connect(conninfo, options)
    return connection, not connection and err or nil
  end)
end

local function open_embedded(dir, options)
  local server, failure = require "fstore.embedded".open(dir)
  if not server then
    return nil, errors.new(failure.kind, failure.message, { hint = failure.hint })
  end
  local connection, err = core.connect(server.conninfo, options)
  if not connection then
    server:close()
    return nil, err
  end
  return connection, server
end

---@param dir string?
---@param options { schema: string? }?
---@return fstore.Store? store, fstore.Error? err
function store.embedded(dir, options)
  check.type("fstore.embedded: dir", dir, "string|nil")
  options = check.options("fstore.embedded", options, { schema = "string|nil" })
  return new(function()
    return open_embedded(dir or ".fstore", options)
  end)
end

---Closes the connection, and lets go of the embedded server. Safe to call twice.
function Store:close()
  self.connection:close()
  if self.server then
    self.server:close()
    self.server = nil
  end
end

---Whether there is a connection, as far as the last use of it has shown.
---@return boolean
function Store:is_connected()
  return self.connection:status() ~= "closed"
end

---Connects anew; a transaction that was open is gone. Of several hosts in the URL it finds the one that takes writes.
---@return true? done, fstore.Error? err
function Store:reconnect()
  self:close()
  local connection, server = self.open()
  if not connection then
    return nil, server
  end
  self.connection, self.server, self.first_error, self.pooled = connection, server, nil, nil
  return true
end

---Whether a pooler stands between us and the server. What a session holds (LISTEN, locks) is not ours then.
---@return boolean? pooled, fstore.Error? err
function Store:is_pooled()
  if self.pooled == nil then
    local rows, err = self:exec("SELECT pg_backend_pid() AS pid")
    if not rows then
      return nil, err
    end
    self.pooled = rows[1].pid ~= self.connection:backend_pid()
  end
  return self.pooled
end

---Like `xpcall(f, handler, ...)`, with a time limit: when the time is over, the statement that runs is cancelled and
---the Lua code raises. Code that goes on all the same is ended with its process, a few seconds later.
---@param seconds number
---@param f function
---@param handler fun(value: any): any
---@return boolean ok, any ...
function Store:within(seconds, f, handler, ...)
  return self.connection:within(seconds, f, handler, ...)
end

Store.__close = Store.close
Store.__gc = Store.close

---Name of the schema that holds the store.
---@return string
function Store:schema()
  return self.connection:schema()
end

---The schema's name as SQL text.
---@return string
function Store:quoted_schema()
  return '"' .. self:schema():gsub('"', '""') .. '"'
end

---Installs the store, or upgrades it to this version. Safe to repeat, and for two programs at once.
---@param options { adopt: boolean? }? adopt: the schema is one that the original schema.sql made; it keeps all its data
---@return integer[]? applied versions of the migrations applied now, fstore.Error? err
function Store:migrate(options)
  return migrations.run(self.connection, options)
end

---Makes the roles PREFIX_read, PREFIX_append and PREFIX_consume, which use the store through its functions alone.
---@param prefix string? (default "fstore")
---@return true? done, fstore.Error? err
function Store:create_roles(prefix)
  check.type("store:create_roles: prefix", prefix, "string|nil")
  return migrations.create_roles(self.connection, prefix or "fstore")
end

---The version of the installed store, and the one that this program brings it to.
---@return integer? version 0: nothing is installed, integer|fstore.Error newest_or_err
function Store:version()
  local version, err = migrations.version(self.connection)
  return version, version and migrations.newest() or err
end

---The functions of the store that are missing or differ from this program's.
---@return string[]? names, fstore.Error? err
function Store:stale_functions()
  return migrations.stale_functions(self.connection)
end

---Whether the schema holds a store.
---@return boolean? installed, fstore.Error? err
function Store:is_installed()
  return migrations.installed(self.connection)
end

---Runs SQL: one statement with parameters $1, $2, …, or several statements without.
---@param sql string
---@param ... nil|boolean|integer|number|string|table parameters; a table is wrapped as `fstore.json.value(t)`
---@return table? rows each a table by column name; `rows.affected`, `rows.columns`, fstore.Error? err
function Store:exec(sql, ...)
  local rows, err = self.connection:exec(sql, ...)
  self.first_error = self.first_error or err
  return rows, err
end

---The error that has spoiled the open transaction: whatever is tried after it fails as well.
---@return fstore.Error? err nil when there is none
function Store:failure()
  if self.connection:status() ~= "failed" then
    return nil
  end
  return self.first_error or errors.new("database", "a statement of the transaction failed")
end

---Whether a transaction is open.
---@return boolean
function Store:is_in_transaction()
  local status = self.connection:status()
  return status == "transaction" or status == "failed"
end

local function begin(self, options)
  local sql = { "BEGIN" }
  if options.in_schema then
    sql[2] = ("SET LOCAL search_path = %s, public"):format(self:quoted_schema())
  end
  if options.sends_ahead then
    self.connection:open_pipeline(table.unpack(sql))
    return true
  end
  return self.connection:exec(table.concat(sql, "; "))
end

-- What was wrong with the writes that were sent ahead.
local function late_failure(self)
  local ok, err = self.connection:close_pipeline()
  if not ok then
    err.is_late = true
    return err
  end
  return nil
end

---Ends the transaction that is open, if any, and keeps nothing of it.
function Store:rollback()
  late_failure(self)
  if self:is_in_transaction() then
    self.connection:exec("ROLLBACK")
  end
end

---Runs `body(store)` in a transaction: commits when it returns, rolls back when it raises or returns nil and an error.
---Inside, the store's own methods take part. An error of ours that `body` raises (as `assert` does) is returned.
---@param body fun(tx: fstore.Store): any, any
---@param options { in_schema: boolean?, sends_ahead: boolean? }? in_schema: unqualified names in its SQL mean the
---store's schema, then public; sends_ahead: see fstore.Connection:open_pipeline
---@return any result what body returned (true for nothing), fstore.Error? err with is_late: of a write sent ahead
function Store:transaction(body, options)
  check.type("store:transaction: body", body, "function")
  options = check.options("store:transaction", options, { in_schema = "boolean|nil", sends_ahead = "boolean|nil" })
  if self.connection:status() ~= "idle" then
    error("store:transaction: a transaction is open already", 2)
  end
  local ok, err = begin(self, options)
  if not ok then
    return nil, err
  end
  self.first_error = nil
  local done, result, failure = xpcall(body, errors.from_script, self)
  failure = late_failure(self) or not done and result or result == nil and failure or self:failure()
  if failure then
    self:rollback()
    if errors.is(failure) and failure.kind == "script" then
      error(failure, 0)
    end
    return nil, failure
  end
  ok, err = self.connection:exec("COMMIT")
  if not ok then
    return nil, err
  end
  return result == nil and true or result
end

---Runs `body(store)` as a whole: in a transaction of its own, or inside an open one behind a savepoint, to which a
---failure goes back.
---@param body fun(tx: fstore.Store): any, any
---@return any result what body returned (true for nothing), fstore.Error? err
function Store:atomically(body)
  if not self:is_in_transaction() then
    return self:transaction(body)
  end
  local ok, err = self.connection:exec("SAVEPOINT fstore_atomically")
  if not ok then
    return nil, err
  end
  local done, result, failure = xpcall(body, errors.from_script, self)
  failure = not done and result or result == nil and failure or self:failure()
  if failure then
    self.connection:exec("ROLLBACK TO SAVEPOINT fstore_atomically; RELEASE SAVEPOINT fstore_atomically")
    self.first_error = nil
    if errors.is(failure) and failure.kind == "script" then
      error(failure, 0)
    end
    return nil, failure
  end
  ok, err = self.connection:exec("RELEASE SAVEPOINT fstore_atomically")
  if not ok then
    return nil, err
  end
  return result == nil and true or result
end

return store
