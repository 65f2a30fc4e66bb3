--- Errors as values: what the world does wrong. Errors of the database come from fstore.core in the same shape.
local core = require "fstore.core"

---@class fstore.Error
---@field kind string what went wrong, for programs: "conflict", "refused", "script", "connection", …
---@field message string what went wrong, for people
---@field sqlstate string? of the database
---@field detail string? what is there
---@field hint string? what to do
---@field constraint string? of the database
---@field traceback string? of a script that failed

local errors = {}

---@param kind string
---@param message string
---@param more table? further fields
---@return fstore.Error
function errors.new(kind, message, more)
  local err = more or {}
  err.kind, err.message = kind, message
  return setmetatable(err, core.error_metatable)
end

---@param value any
---@return boolean
function errors.is(value)
  return getmetatable(value) == core.error_metatable
end

---Message handler for xpcall around users' functions: keeps errors of ours, wraps all else as kind "script".
---@param value any
---@return fstore.Error
function errors.from_script(value)
  if errors.is(value) then
    return value
  end
  return errors.new("script", tostring(value), { traceback = debug.traceback(nil, 2) })
end

return errors
