--- Where the embedded server lives: its folder (`.fstore`), and the short, private folder of its sockets.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"

---@class fstore.embedded.Place
---@field dir string real path of the folder
---@field owner { uid: integer, gid: integer } of the folder
---@field lock string a keeper holds this file locked as long as it lives; it also marks the folder as ours
---@field log string
---@field data string the server's data folder, or a symbolic link to it
---@field runtime string the folder of the sockets
---@field sockets string the server's socket folder
---@field conninfo string for libpq
---@field url string the same

local place = {}

local group_and_others_write = 18 -- 0022

-- Served by another user, root lets that user pass through (0711) to what is its own (0700).
local function private_mode()
  return uv.getuid() == 0 and 457 or 448
end

-- A socket's path holds 107 bytes, so sockets cannot stay in the folder. The folder's device and inode name the
-- place of its sockets: the same for every path that leads to it, and not taken again while a keeper sits in it.
local function describe(dir)
  local stat = uv.fs_stat(dir)
  local runtime = ("/tmp/fstore-%d-%x-%x"):format(stat.uid, stat.dev, stat.ino)
  local sockets = runtime .. "/pg"
  return {
    dir = dir,
    owner = { uid = stat.uid, gid = stat.gid },
    lock = dir .. "/keeper.lock",
    log = dir .. "/postgres.log",
    data = dir .. "/data",
    runtime = runtime,
    sockets = sockets,
    conninfo = ("host=%s port=5432 user=fstore dbname=fstore"):format(sockets),
    url = ("postgresql:///fstore?host=%s&port=5432&user=fstore"):format(sockets),
  }
end

--- The place, if a server was ever made there.
---@param dir string
---@return fstore.embedded.Place?
function place.find(dir)
  local real = uv.fs_realpath(dir)
  if not real or not uv.fs_stat(real .. "/keeper.lock") then return nil end
  return describe(real)
end

-- Nobody's files get mixed with ours: a folder is either ours already or empty. The lock is the first file that we
-- make: looked for after the others, it is there when another process has begun to make them.
local function check_folder(real)
  local stat = uv.fs_stat(real)
  if stat.type ~= "directory" then return failure.new("embedded", real .. " is not a folder") end
  local uid = uv.getuid()
  if uid ~= 0 and stat.uid ~= uid then
    return failure.new("embedded", ("%s belongs to another user (uid %d)"):format(real, stat.uid),
      "run as that user, or choose another folder")
  end
  if #files.list(real) > 0 and not uv.fs_stat(real .. "/keeper.lock") then
    return failure.new("embedded", real .. " holds other files: it is no place for a server's data",
      "choose a folder that is empty or does not exist")
  end
end

local function write_gitignore(found)
  local fd = files.open_private(found.dir .. "/.gitignore", found.owner)
  if not fd then return end
  uv.fs_write(fd, "*\n")
  uv.fs_close(fd)
end

--- The place, made if it is not there.
---@param dir string
---@return fstore.embedded.Place?
---@return fstore.embedded.Failure? err
function place.create(dir)
  local made, err = files.make_folder(dir, private_mode())
  if made == nil then return nil, err end
  local real, message = uv.fs_realpath(dir)
  if not real then return nil, failure.system("use " .. dir, message) end
  err = check_folder(real)
  if err then return nil, err end
  local found = describe(real)
  local fd
  fd, err = files.open_private(found.lock, found.owner)
  if not fd then return nil, err end
  uv.fs_close(fd)
  if made then write_gitignore(found) end
  return found
end

--- The keeper's socket for one wish.
---@param found fstore.embedded.Place
---@param wish "hold"|"keep"|"status"|"stop"|"stop_by_force"
---@return string path
function place.wish(found, wish)
  return found.runtime .. "/" .. wish
end

--- Whether the folder of the sockets is there, and not by somebody else who wants to be taken for our keeper.
---@param found fstore.embedded.Place
---@param uid integer whose it has to be
---@return boolean
function place.is_private(found, uid)
  local stat = uv.fs_lstat(found.runtime)
  return stat ~= nil and stat.type == "directory" and stat.uid == uid and stat.mode & group_and_others_write == 0
end

--- Makes the folder of the sockets, empty, for the keeper.
---@param found fstore.embedded.Place
---@return true? ok
---@return fstore.embedded.Failure? err
function place.make_runtime(found)
  local made, err = files.make_folder(found.runtime, private_mode())
  if made == nil then return nil, err end
  if not place.is_private(found, uv.getuid()) then
    return nil, failure.new("embedded", ("%s is not ours, or open to others"):format(found.runtime), "remove it")
  end
  for _, name in ipairs(files.list(found.runtime)) do
    made, err = files.remove(found.runtime .. "/" .. name)
    if not made then return nil, err end
  end
  return true
end

--- Makes the server's socket folder, empty.
---@param found fstore.embedded.Place
---@param identity? fstore.embedded.Identity the server's user if it is not ours
---@return boolean? ok
---@return fstore.embedded.Failure? err
function place.make_sockets(found, identity)
  local ok, err = files.remove(found.sockets)
  if ok then ok, err = files.make_folder(found.sockets, 448) end
  if ok == nil then return nil, err end
  if identity then uv.fs_chown(found.sockets, identity.uid, identity.gid) end
  return true
end

---@param found fstore.embedded.Place
function place.remove_runtime(found)
  files.remove(found.runtime)
end

return place
