--- How a check fails: by an error at the line of the spec, which every test framework, or none, understands.
local errors = require "fstore.errors"

local failure = {}

local function is_ours(source)
  return source:find("fstore/testing", 1, true) ~= nil
end

local is_inside = false -- of a check that raises at its own place

---Runs a part of a check: what it raises is a plain message. Like pcall.
---@param body function
---@param ... any
---@return boolean ok, any problem
function failure.catch(body, ...)
  is_inside = true
  local ok, problem = xpcall(body, errors.from_script, ...)
  is_inside = false
  return ok, problem
end

---@param message string
---@param ... any for string.format
function failure.raise(message, ...)
  if is_inside then
    error(message:format(...), 0)
  end
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info or not is_ours(info.source) then
      error(message:format(...), info and level or 0)
    end
    level = level + 1
  end
end

return failure
