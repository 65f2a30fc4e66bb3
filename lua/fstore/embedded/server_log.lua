--- The server's log, `postgres.log`: where to look when it does not start.
local uv = require "luv"
local files = require "fstore.embedded.files"

local server_log = {}

local roof = 8 * 1024 * 1024

--- The end of the log now: what is written later is the news.
---@param found fstore.embedded.Place
---@return integer
function server_log.mark(found)
  local stat = uv.fs_stat(found.log)
  return stat and stat.size or 0
end

--- Empties a log that has grown large.
---@param found fstore.embedded.Place
function server_log.trim(found)
  if server_log.mark(found) > roof then uv.fs_ftruncate(2, 0) end
end

-- The server's complaint without its time and process; the last one tells.
local function complaint(line)
  return line:match("FATAL: *(.+)$") or line:match("PANIC: *(.+)$") or line:match("ERROR: *(.+)$")
    or line:match("error: *(.+)$") or line:match("could not .+$")
end

--- The line of the log after `mark` that best says what went wrong.
---@param found fstore.embedded.Place
---@param mark integer
---@return string
function server_log.reason(found, mark)
  local text = (files.read(found.log) or ""):sub(mark + 1)
  local last, told
  for line in text:gmatch("[^\n]+") do
    last = line
    told = complaint(line) or told
  end
  return told or last or "it said nothing"
end

return server_log
