--- Finds the PostgreSQL server programs of this machine.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"
local process = require "fstore.embedded.process"

---@class fstore.embedded.Binaries
---@field dir string the folder of `initdb` and `postgres`
---@field version string the major version, as PG_VERSION says it

local binaries = {}

local oldest = 14

local function named_by_pg_config()
  local code, output = process.run { "sh", "-c", "pg_config --bindir 2>/dev/null" }
  return code == 0 and output:match("^[^\n]+") or nil
end

-- The folders `parent/PREFIX<number>/bin`, newest first.
local function numbered(parent, prefix)
  local numbers, folders = {}, {}
  for _, name in ipairs(files.list(parent)) do
    numbers[#numbers + 1] = tonumber(name:match("^" .. prefix .. "(%d+)$"))
  end
  table.sort(numbers, function(a, b) return a > b end)
  for i, number in ipairs(numbers) do folders[i] = ("%s/%s%d/bin"):format(parent, prefix, number) end
  return folders
end

local function usual_folders()
  local folders = { named_by_pg_config() }
  local function add(list) table.move(list, 1, #list, #folders + 1, folders) end
  add(numbered("/usr/lib/postgresql", ""))
  add(numbered("/usr", "pgsql%-"))
  for folder in (uv.os_getenv("PATH") or ""):gmatch("[^:]+") do add { folder } end
  add { "/usr/local/pgsql/bin" }
  return folders
end

local function major_version(folder)
  local _, output = process.run { folder .. "/postgres", "--version" }
  return output:match("%s(%d+)")
end

local function holds_server(folder)
  return files.is_executable(folder .. "/initdb") and files.is_executable(folder .. "/postgres")
end

local function none_fits(wanted, seen, bindir)
  if wanted and #seen > 0 then
    return failure.new("embedded",
      ("the data was written by PostgreSQL %s, but only PostgreSQL %s is installed here")
        :format(wanted, table.concat(seen, ", ")),
      ("install PostgreSQL %s (Debian: postgresql-%s), or move the data folder away to start with an empty one")
        :format(wanted, wanted))
  end
  if #seen > 0 then
    return failure.new("no_server",
      ("PostgreSQL %s is too old, %d or newer is needed"):format(table.concat(seen, ", "), oldest),
      "install a newer one, or name a database with --db")
  end
  return failure.new("no_server", "no PostgreSQL server is " .. (bindir and "in " .. bindir or "installed"),
    "install the package postgresql, or name a database with --db")
end

--- The server programs that fit.
---@param wanted? string the major version of data that exists
---@param bindir? string look here only
---@return fstore.embedded.Binaries?
---@return fstore.embedded.Failure? err
function binaries.find(wanted, bindir)
  local seen, tried = {}, {}
  for _, folder in ipairs(bindir and { bindir } or usual_folders()) do
    if not tried[folder] and holds_server(folder) then
      local version = major_version(folder)
      local fits = version and (wanted == version or not wanted and tonumber(version) >= oldest)
      if fits then return { dir = folder, version = version } end
      if version and not tried[version] then seen[#seen + 1] = version end
      tried[version or folder] = true
    end
    tried[folder] = true
  end
  return nil, none_fits(wanted, seen, bindir)
end

return binaries
