--- The server's data folder: where it lies, whose it is, and its first making.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"
local server_log = require "fstore.embedded.server_log"

local cluster = {}

local elsewhere = "/var/lib/fstore-lua"

-- PostgreSQL refuses to run as root: its own user serves instead, or nobody.
local function unprivileged_user()
  local passwd = files.read("/etc/passwd") or ""
  for _, name in ipairs { "postgres", "nobody" } do
    local uid, gid = ("\n" .. passwd):match("\n" .. name .. ":[^:\n]*:(%d+):(%d+):")
    if uid then return { uid = math.tointeger(uid), gid = math.tointeger(gid) } end
  end
  return { uid = 65534, gid = 65534 }
end

--- The user that the server has to run as; nil: as we do.
---@param found fstore.embedded.Place
---@return fstore.embedded.Identity?
function cluster.identity(found)
  if uv.getuid() ~= 0 then return nil end
  local stat = uv.fs_stat(found.data)
  if stat and stat.uid ~= 0 then return { uid = stat.uid, gid = stat.gid } end
  return unprivileged_user()
end

--- The major version that wrote the data, nil when there are none yet.
---@param found fstore.embedded.Place
---@return string? version
---@return fstore.embedded.Failure? err
function cluster.version(found)
  local text = files.read(found.data .. "/PG_VERSION")
  if text then return text:match("%d+") end
  if uv.fs_stat(found.data) then
    return nil, failure.new("embedded", found.data .. " is not a PostgreSQL data folder", "move it away")
  end
  return nil
end

-- An empty folder for initdb, whose user must be able to reach it and to write into it.
local function make_empty(path, identity)
  local ok, err
  loop.poll(function() -- a server process of a killed initdb may still be writing there
    ok, err = files.remove(path)
    return ok
  end, 5000)
  if ok then ok, err = files.make_folder(path, 448) end -- 0700
  if not ok then return nil, err end
  if not identity then return true end
  uv.fs_chown(path, identity.uid, identity.gid)
  return process.run(process.bound(identity, "KILL", { "test", "-w", path, "-a", "-x", path }), { cwd = "/" }) == 0
end

-- Where only root can enter, the data lies outside, and a link leads to them. The link comes first, so that whatever
-- happens later, the data can be found.
local function move_elsewhere(found, identity)
  local name = uv.random(8):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  local home = elsewhere .. "/" .. name
  local made, err = files.make_folder(elsewhere, 457) -- 0711
  if made == nil then return nil, err end
  made, err = files.make_folder(home, 457)
  if made == nil then return nil, err end
  local ok, message = uv.fs_symlink(home .. "/data", found.data)
  if not ok then return nil, failure.system("create " .. found.data, message) end
  ok, err = make_empty(home .. "/data.new", identity)
  if ok == false then err = failure.new("embedded", ("uid %d cannot enter %s"):format(identity.uid, home)) end
  if not ok then return nil, err end
  return home
end

-- The folder that holds the data folder and, until that is complete, `data.new`.
local function make_home(found, identity)
  local link = uv.fs_readlink(found.data)
  local home = link and files.parent(link) or found.dir
  local made, err = make_empty(home .. "/data.new", identity)
  if made then return home end
  if made == nil then return nil, err end
  files.remove(home .. "/data.new")
  if link then return nil, failure.new("embedded", ("uid %d cannot enter %s"):format(identity.uid, home)) end
  return move_elsewhere(found, identity)
end

local function run_logged(found, identity, what, command, input)
  local mark = server_log.mark(found)
  local code, output = process.run(process.bound(identity, "KILL", command), { cwd = "/", input = input })
  if code == 0 then return true end
  local reason = code and server_log.reason(found, mark) or output
  return nil, failure.new("embedded", ("%s failed: %s"):format(what, reason), "see " .. found.log)
end

--- Makes the data folder, with an empty database `fstore`: complete, or not at all.
---@param found fstore.embedded.Place
---@param programs fstore.embedded.Binaries
---@param identity? fstore.embedded.Identity
---@param settings table<string, string> fsync = "off" skips writing through to the disk here as well
---@return true? ok
---@return fstore.embedded.Failure? err
function cluster.create(found, programs, identity, settings)
  local home, err = make_home(found, identity)
  if not home then return nil, err end
  local fresh, volatile = home .. "/data.new", settings.fsync == "off"
  local ok
  ok, err = run_logged(found, identity, "initdb", {
    programs.dir .. "/initdb", "-D", fresh, "-A", "trust", "-U", "fstore", "-E", "UTF8", "--locale=C.UTF-8",
    "--no-instructions", volatile and "--no-sync" or nil,
  })
  if not ok then return nil, err end
  ok, err = run_logged(found, identity, "creating the database", {
    programs.dir .. "/postgres", "--single", "-D", fresh, "-c", "log_checkpoints=off",
    "-c", "fsync=" .. (volatile and "off" or "on"), "template1",
  }, "create database fstore\n")
  if not ok then return nil, err end
  local renamed, message = uv.fs_rename(fresh, home .. "/data")
  if not renamed then return nil, failure.system("create " .. home .. "/data", message) end
  return true
end

--- Removes the data, wherever they lie.
---@param found fstore.embedded.Place
---@return true? ok
---@return fstore.embedded.Failure? err
function cluster.remove(found)
  local link = uv.fs_readlink(found.data)
  local home = link and files.parent(link)
  if home and files.parent(home) == elsewhere then
    local ok, err = files.remove(home)
    if not ok then return nil, err end
    uv.fs_rmdir(elsewhere)
  end
  for _, path in ipairs { found.data, found.dir .. "/data.new" } do
    local ok, err = files.remove(path)
    if not ok then return nil, err end
  end
  return true
end

return cluster
