--- Installs and upgrades the store's SQL, from the same list that psql reads.
local files = require "fstore.files"

local migrations = {}

---The files that install.sql includes, in order.
---@return string[] names relative to the SQL folder
function migrations.list()
  local list = {}
  for line in assert(files.read(files.sql_dir() .. "/install.sql")):gmatch("[^\n]+") do
    list[#list + 1] = line:match("^\\ir%s+(%S+)")
  end
  return list
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
  local version = math.tointeger(name:match("^migrations/(%d+)_"))
  if version then
    local versions, err = applied(connection)
    if not versions then
      return nil, err
    elseif versions[version] then
      return true
    end
  end
  local ok, err = connection:exec(assert(files.read(files.sql_dir() .. "/" .. name)))
  if not ok then
    err.detail = ("%sin %s"):format(err.detail and err.detail .. ", " or "", name)
    return nil, err
  end
  return true, nil, version
end

local function install(connection)
  local new = {}
  local ok, err = connection:exec("SELECT set_config('fstore.schema', $1, true)", connection:schema())
  if not ok then
    return nil, err
  end
  for _, name in ipairs(migrations.list()) do
    local done, failure, version = apply(connection, name)
    if not done then
      return nil, failure
    end
    new[#new + 1] = version
  end
  return new
end

---Brings the schema to this version, in one transaction: applies the migrations it lacks, then functions and triggers.
---@param connection fstore.Connection outside of a transaction
---@return integer[]? applied versions of the migrations applied now, fstore.Error? err kind "newer_schema" when the store
---is newer than this program
function migrations.run(connection)
  if connection:status() ~= "idle" then
    error("migrate() needs a connection outside of a transaction", 2)
  end
  local ok, err = connection:exec("BEGIN; SET LOCAL client_min_messages = warning")
  if not ok then
    return nil, err
  end
  local new
  new, err = install(connection)
  if not new then
    connection:exec("ROLLBACK")
    return nil, err
  end
  ok, err = connection:exec("COMMIT")
  if not ok then
    return nil, err
  end
  return new
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
