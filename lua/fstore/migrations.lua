--- Installs and upgrades the store's SQL, from the same list that psql reads.
local check = require "fstore.check"
local files = require "fstore.files"

local migrations = {}

---The files that install.sql, or another script for psql, includes, in order.
---@param script string? (default "install.sql")
---@return string[] names relative to the SQL folder
function migrations.list(script)
  local list = {}
  for line in assert(files.read(files.sql_dir() .. "/" .. (script or "install.sql"))):gmatch("[^\n]+") do
    list[#list + 1] = line:match("^\\ir%s+(%S+)")
  end
  return list
end

local function version_of(name)
  return math.tointeger(name:match("^migrations/(%d+)_"))
end

---The version that this program brings a store to.
---@return integer
function migrations.newest()
  local newest = 0
  for _, name in ipairs(migrations.list()) do
    newest = math.max(newest, version_of(name) or 0)
  end
  return newest
end

local function applied(connection)
  local rows, err = connection:exec("SELECT version FROM fstore_migrations")
  if not rows then
    return nil, err
  end
  local versions = {}
  for _, row in ipairs(rows) do
    versions[row.version] = true
  end
  return versions
end

local function apply(connection, name)
  local version = version_of(name)
  if version then
    local versions, err = applied(connection)
    if not versions then
      return nil, err
    elseif versions[version] then
      return true
    end
  end
  local sql = assert(files.read(files.sql_dir() .. "/" .. name))
  local ok, err = connection:exec(sql)
  if not ok then
    err.detail = ("%sin %s"):format(err.detail and err.detail .. ", " or "", name)
    return nil, err
  end
  return true, nil, version
end

local function install(connection, script, settings)
  local new = {}
  for name, value in pairs(settings) do
    local ok, err = connection:exec("SELECT set_config($1, $2, true)", "fstore." .. name, value)
    if not ok then
      return nil, err
    end
  end
  for _, name in ipairs(migrations.list(script)) do
    local done, failure, version = apply(connection, name)
    if not done then
      return nil, failure
    end
    new[#new + 1] = version
  end
  return new
end

-- Runs `body(connection, …)` between BEGIN and `ending`; an error of its rolls back.
local function in_transaction(connection, ending, body, ...)
  if connection:status() ~= "idle" then
    error("migrations need a connection outside of a transaction", 3)
  end
  local ok, err = connection:exec("BEGIN; SET LOCAL client_min_messages = warning")
  if not ok then
    return nil, err
  end
  local result
  result, err = body(connection, ...)
  if not result then
    connection:exec("ROLLBACK")
    return nil, err
  end
  ok, err = connection:exec(ending)
  if not ok then
    return nil, err
  end
  return result
end

---Brings the schema to this version, in one transaction: applies the migrations it lacks, then functions and triggers.
---@param connection fstore.Connection outside of a transaction
---@param options { adopt: boolean? }? adopt: the schema is one that the original schema.sql made; it keeps all its data
---@return integer[]? applied versions of the migrations applied now
---@return fstore.Error? err kind "newer_schema" when the store is newer than this program
function migrations.run(connection, options)
  options = check.options("migrate", options, { adopt = "boolean|nil" })
  return in_transaction(connection, "COMMIT", install, "install.sql",
    { schema = connection:schema(), adopt = options.adopt and "on" or "off" })
end

---Makes the roles that use the store through its functions alone, or makes sure of them.
---@param connection fstore.Connection outside of a transaction
---@param prefix string of their names
---@return true? done, fstore.Error? err
function migrations.create_roles(connection, prefix)
  local done, err = in_transaction(connection, "COMMIT", install, "roles.sql",
    { schema = connection:schema(), role_prefix = prefix })
  return done and true, err
end

-- The functions of the schema, each with a digest of what it is now.
local function digests(connection)
  local rows, err = connection:exec([[
    SELECT p.oid::regprocedure::text AS name, md5(pg_get_functiondef(p.oid)) AS digest
    FROM pg_proc AS p WHERE p.pronamespace = $1::text::regnamespace AND p.prokind = 'f']],
    ('"%s"'):format(connection:schema():gsub('"', '""')))
  if not rows then
    return nil, err
  end
  local digest_of = {}
  for _, row in ipairs(rows) do
    digest_of[row.name] = row.digest
  end
  return digest_of
end

-- A file of triggers without their triggers: a function takes no lock that anybody waits for, a trigger does.
local function functions_of(name)
  local sql = assert(files.read(files.sql_dir() .. "/" .. name))
  return (sql:gsub("CREATE OR REPLACE TRIGGER.*", ""))
end

local function compare_functions(connection)
  local ok, err = connection:exec([[
    SELECT pg_advisory_xact_lock(hashtextextended('fstore.install.' || $1, 0)), set_config('fstore.schema', $1, true),
      set_config('search_path', format('%I, pg_temp', $1::text), true)]], connection:schema())
  local before, after
  if ok then
    before, err = digests(connection)
  end
  for _, name in ipairs(before and migrations.list() or {}) do
    if name:match("^functions/") or name:match("^triggers/") or name:match("^roles/") then
      ok, err = connection:exec(functions_of(name))
      if not ok then
        return nil, err
      end
    end
  end
  after, err = before and digests(connection), err
  if not after then
    return nil, err
  end
  local stale = {}
  for name, digest in pairs(after) do
    if before[name] ~= digest then
      stale[#stale + 1] = name
    end
  end
  table.sort(stale)
  return stale
end

---The functions of the store that are missing or differ from this program's. Applies them all and takes that back.
---@param connection fstore.Connection outside of a transaction
---@return string[]? names, fstore.Error? err
function migrations.stale_functions(connection)
  return in_transaction(connection, "ROLLBACK", compare_functions)
end

---The version of the store.
---@param connection fstore.Connection
---@return integer? version 0: nothing is installed, fstore.Error? err
function migrations.version(connection)
  local installed, err = migrations.installed(connection)
  if not installed then
    return not err and 0 or nil, err
  end
  local rows
  rows, err = connection:exec(('SELECT coalesce(max(version), 0) AS version FROM "%s".fstore_migrations')
    :format(connection:schema():gsub('"', '""')))
  return rows and rows[1].version, err
end

---@param connection fstore.Connection
---@return boolean? installed, fstore.Error? err
function migrations.installed(connection)
  local rows, err = connection:exec(
    "SELECT to_regclass(format('%I.fstore_migrations', $1::text)) IS NOT NULL AS there", connection:schema())
  if not rows then
    return nil, err
  end
  return rows[1].there
end

return migrations
