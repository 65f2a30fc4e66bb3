--- The few file operations that the embedded server needs, each with the library's errors.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local process = require "fstore.embedded.process"

local files = {}

--- The whole text of a file, nil when it cannot be read.
---@param path string
---@return string?
function files.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

---@param path string
---@return boolean
function files.is_executable(path)
  return uv.fs_access(path, "x") == true
end

---@param path string
---@return string
function files.parent(path)
  local parent = path:match("^(.*)/[^/]*/*$")
  if parent == nil then return "." end
  return parent == "" and "/" or parent
end

--- Makes a folder and those above it; `mode` is for the last one.
---@param path string
---@param mode integer
---@return boolean? made false when it was there
---@return fstore.embedded.Failure? err
function files.make_folder(path, mode)
  local ok, message, code = uv.fs_mkdir(path, mode)
  if code == "ENOENT" then
    local made, err = files.make_folder(files.parent(path), 493) -- 0755
    if made == nil then return nil, err end
    ok, message, code = uv.fs_mkdir(path, mode)
  end
  if ok then
    uv.fs_chmod(path, mode) -- whatever the umask says
    return true
  end
  if code == "EEXIST" then return false end
  return nil, failure.system("create " .. path, message)
end

--- Opens a file for appending, private to its owner, creating it for that owner.
---@param path string
---@param owner { uid: integer, gid: integer }
---@return integer? fd
---@return fstore.embedded.Failure? err
function files.open_private(path, owner)
  local fd, message = uv.fs_open(path, "a", 384) -- 0600
  if not fd then return nil, failure.system("write " .. path, message) end
  if uv.fs_fstat(fd).uid ~= owner.uid then uv.fs_fchown(fd, owner.uid, owner.gid) end
  return fd
end

--- Removes a file or a folder with all that is in it; what is not there is no error.
---@param path string
---@return boolean? ok
---@return fstore.embedded.Failure? err
function files.remove(path)
  if not uv.fs_lstat(path) then return true end
  local code = process.run { "sh", "-c", 'rm -rf -- "$1" 2>/dev/null', "rm", path }
  if code ~= 0 then return nil, failure.new("embedded", "cannot remove " .. path) end
  return true
end

---@param path string
---@return string[] names
function files.list(path)
  local names, scan = {}, uv.fs_scandir(path)
  while scan do
    local name = uv.fs_scandir_next(scan)
    if not name then break end
    names[#names + 1] = name
  end
  return names
end

return files
