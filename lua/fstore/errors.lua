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
---@field is_late boolean? of a write that was sent ahead, see Store:transaction

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

-- A script may raise any value; a plain table shows what it holds.
local function text_of(value)
  local mt = getmetatable(value)
  if type(value) == "table" and not (mt and mt.__tostring) then
    local ok, text = pcall(core.json.encode, value)
    return ok and text or tostring(value)
  end
  return tostring(value)
end

---Message handler for xpcall around users' functions: keeps errors of ours, wraps all else as kind "script".
---@param value any
---@return fstore.Error
function errors.from_script(value)
  if errors.is(value) then
    return value
  end
  return errors.new("script", text_of(value), { traceback = debug.traceback(nil, 2) })
end

local LONGEST <const> = 10000

---A text as the database can keep it: valid UTF-8 without NUL, and not endless.
---@param text string
---@return string
function errors.printable(text)
  local is_valid = utf8.len(text) ~= nil
  if #text > LONGEST then
    text = text:sub(1, (is_valid and utf8.offset(text, 0, LONGEST) or LONGEST) - 1) .. "…"
  end
  return ((is_valid and text or text:gsub("[\128-\255]", "?")):gsub("\0", "?"))
end

return errors
