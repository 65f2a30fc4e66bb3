--- A session with the server that never blocks this process: PostgreSQL's protocol for simple queries, over luv.
--- So one spec drives many real connections, and can let a statement wait for a lock while it goes on.
---
---   local a, b = session.open(conninfo, "fstore"), session.open(conninfo, "fstore")
---   a:query("BEGIN")
---   a:query("UPDATE t SET n = $1", 1)
---   local waiting = b:start("UPDATE t SET n = $1", 2)
---   assert.equal("waits", waiting:settle())
---   a:query("COMMIT")
---   local rows, err = waiting:result()
local loop = require "fstore.embedded.loop"
local tasks = require "spec.support.sql_tasks"
local uv = require "luv"

---@class spec.sql.Error
---@field sqlstate string
---@field message string
---@field detail string?
---@field hint string?
---@field constraint string?
local error_metatable = { __tostring = function(err) return ("%s: %s"):format(err.sqlstate, err.message) end }
local error_fields = { C = "sqlstate", M = "message", D = "detail", H = "hint", n = "constraint" }

local readers = {}
for _, oid in ipairs { 20, 21, 23, 26 } do readers[oid] = math.tointeger end
for _, oid in ipairs { 700, 701, 1700 } do readers[oid] = tonumber end
readers[16] = function(text) return text == "t" end

---@class spec.sql.Session
---@field pid integer of the backend
---@field notices string[]
local Session = {}
Session.__index = Session

---@class spec.sql.Statement a statement on its way
local Statement = {}
Statement.__index = Statement

local session = { Session = Session }

-- SQL text of a value. A list becomes an array, of NULL where it says session.null.
session.null = setmetatable({}, { __name = "NULL" })
local function literal(value)
  if value == nil or value == session.null then return "NULL" end
  if type(value) == "number" then return tostring(value) end
  if type(value) == "boolean" then return value and "true" or "false" end
  if type(value) ~= "table" then return "'" .. tostring(value):gsub("'", "''") .. "'" end
  local items = {}
  for i, item in ipairs(value) do
    items[i] = item == session.null and "NULL" or '"' .. tostring(item):gsub('[\\"]', "\\%0") .. '"'
  end
  return literal("{" .. table.concat(items, ",") .. "}")
end

-- What each message of the server does to the session.
local on = {}

function on.K(self, body) self.pid = string.unpack(">I4", body) end

function on.T(self, body)
  local columns, at = { oids = {} }, 3
  for i = 1, (string.unpack(">I2", body)) do
    columns[i], at = string.unpack("z", body, at)
    columns.oids[i], at = string.unpack(">I4", body, at + 6), at + 18
  end
  self.rows = setmetatable({}, { __index = { columns = columns } }) -- out of sight of pairs and comparisons
end

function on.D(self, body)
  local row, at, columns = {}, 3, self.rows.columns
  for i, name in ipairs(columns) do
    local length
    length, at = string.unpack(">i4", body, at)
    if length >= 0 then
      local text = body:sub(at, at + length - 1)
      row[name] = (readers[columns.oids[i]] or tostring)(text)
      at = at + length
    end
  end
  table.insert(self.rows, row)
end

function on.C(self)
  self.last = self.rows or {}
  self.rows = nil
end

local function read_report(body)
  local report, at = {}, 1
  while body:byte(at) ~= 0 do
    local key = body:sub(at, at)
    local text
    text, at = string.unpack("z", body, at + 1)
    if error_fields[key] then report[error_fields[key]] = text end
  end
  return setmetatable(report, error_metatable)
end

function on.E(self, body) self.failure = read_report(body) end

function on.N(self, body) table.insert(self.notices, read_report(body).message) end

function on.Z(self, body)
  self.transaction = ({ I = "idle", T = "transaction", E = "failed" })[body]
  if self.statement then
    self.statement.rows, self.statement.err = not self.failure and (self.last or {}) or nil, self.failure
    self.statement.is_done = true
  end
  self.statement, self.rows, self.last, self.failure = nil, nil, nil, nil
  self.is_ready = true
end

local function read(self, data)
  local buffer, at = self.buffer .. data, 1
  while #buffer - at >= 4 do
    local length = string.unpack(">I4", buffer, at + 1)
    if #buffer - at < length then break end
    local handler = on[buffer:sub(at, at)]
    if handler then handler(self, buffer:sub(at + 5, at + length)) end
    at = at + length + 1
  end
  self.buffer = buffer:sub(at)
end

local function lose(self)
  self.is_lost, self.is_ready = true, true
  self.failure = self.failure or setmetatable({ sqlstate = "08006", message = "connection lost" }, error_metatable)
  self.notices.last = self.failure
  if self.statement then self.statement.err, self.statement.is_done = self.failure, true end
  loop.close(self.pipe)
end

local open_sessions = setmetatable({}, { __mode = "k" })

--- Opens a session; names are looked up in `schema` alone.
---@param conninfo string with host, port, user, dbname
---@param schema string?
---@return spec.sql.Session
function session.open(conninfo, schema)
  local words = {}
  for key, value in conninfo:gmatch("(%w+)=(%S+)") do words[key] = value end
  local self = setmetatable({ conninfo = conninfo, buffer = "", notices = {}, pipe = uv.new_pipe(false) }, Session)
  open_sessions[self] = true
  self.pipe:connect(("%s/.s.PGSQL.%s"):format(words.host, words.port), function(err)
    if err then return lose(self) end
    self.pipe:read_start(function(_, data)
      if data then read(self, data) else lose(self) end
    end)
    local startup = string.pack(">I4zzzzzz", 196608, "user", words.user, "database", words.dbname, "client_encoding",
      "UTF8") .. "\0"
    self.pipe:write(string.pack(">I4", #startup + 4) .. startup)
  end)
  tasks.wait(function() return self.is_ready end, "a connection")
  if self.is_lost then error(tostring(self.notices.last), 2) end
  if schema then self:query("SELECT set_config('search_path', $1, false)", schema) end
  return self
end

--- Sends SQL text, one statement or several; the values take the place of $1, $2, … as literals.
---@param sql string
---@return spec.sql.Statement
function Session:start(sql, ...)
  assert(not self.statement, "the session has a statement on its way")
  local values = table.pack(...)
  if values.n > 0 then
    sql = sql:gsub("%$(%d+)", function(n) return literal(values[math.tointeger(n)]) end)
  end
  local statement = setmetatable({ session = self, is_done = false }, Statement)
  self.statement, self.is_ready = statement, false
  if self.is_lost then
    lose(self)
  else
    self.pipe:write("Q" .. string.pack(">I4z", #sql + 5, sql))
  end
  return statement
end

--- Runs SQL text to its end.
---@return table[]? rows of the last statement, each by column name; NULL is absent
---@return spec.sql.Error? err
function Session:try(sql, ...) return self:start(sql, ...):result() end

--- Like `try`, but a failure raises.
---@return table[] rows
function Session:query(sql, ...)
  local rows, err = self:try(sql, ...)
  if not rows then error(err, 2) end
  return rows
end

--- The first column of the first row, nil when there is none.
function Session:value(sql, ...)
  local rows, err = self:try(sql, ...)
  if not rows then error(err, 2) end
  return rows[1] and rows[1][rows.columns[1]]
end

--- `SELECT * FROM name(…)`, arguments by position.
---@return table[]? rows
---@return spec.sql.Error? err
function Session:call(name, ...) return self:start_call(name, ...):result() end

---@return spec.sql.Statement
function Session:start_call(name, ...)
  local places = {}
  for i = 1, select("#", ...) do places[i] = "$" .. i end
  return self:start(("SELECT * FROM %s(%s)"):format(name, table.concat(places, ", ")), ...)
end

--- Ends the session, in the middle of whatever it does.
function Session:close()
  if not self.is_lost then
    self.is_lost = true
    loop.close(self.pipe)
  end
  open_sessions[self] = nil
end

--- Closes all sessions that were left open.
function session.close_all()
  for each in pairs(open_sessions) do each:close() end
end

---@return table[]? rows
---@return spec.sql.Error? err
function Statement:result()
  tasks.wait(function() return self.is_done end, "a statement")
  return self.rows, self.err
end

local observers = {} -- by conninfo: a session each to ask what the others wait for

local function observer(conninfo)
  local found = observers[conninfo]
  if not found or found.is_lost then
    found = session.open(conninfo)
    observers[conninfo] = found
  end
  return found
end

--- Waits until the statement has ended, or stands still because another session holds a lock.
---@return "done"|"waits"
function Statement:settle()
  local watch = observer(self.session.conninfo)
  local waits
  repeat
    waits = watch:value("SELECT pg_blocking_pids($1) <> '{}'", self.session.pid)
  until self.is_done or waits
  return self.is_done and "done" or "waits"
end

return session
