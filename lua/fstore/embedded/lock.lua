--- The lock that one keeper at a time holds. The kernel frees it however its holder ends.
local uv = require "luv"
local failure = require "fstore.embedded.failure"
local files = require "fstore.embedded.files"
local process = require "fstore.embedded.process"

local lock = {}

-- After `destroy` the file may be gone, and another one in its place.
local function is_still_there(fd, path)
  local mine, there = uv.fs_fstat(fd), uv.fs_stat(path)
  return there and there.ino == mine.ino and there.dev == mine.dev
end

--- Takes the lock without waiting. It is held as long as the descriptor is open.
---@param found fstore.embedded.Place
---@return integer|false|nil fd false when another process holds the lock
---@return fstore.embedded.Failure? err
function lock.take(found)
  local fd, err = files.open_private(found.lock, found.owner)
  if not fd then return nil, err end
  -- flock(1) locks the open file that it shares with us, and the lock stays when it ends
  local code, message = process.run({ "flock", "--nonblock", "3" }, { inherit = fd })
  if code == 0 and is_still_there(fd, found.lock) then return fd end
  uv.fs_close(fd)
  if code == nil then return nil, failure.system("run flock (package util-linux)", message) end
  return false
end

return lock
