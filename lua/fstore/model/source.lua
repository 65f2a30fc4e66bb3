--- Where a user's function stands, for messages about what it returned.
local source = {}

---@param handler function
---@return string place "file:line" of its definition
function source.of(handler)
  local info = debug.getinfo(handler, "S")
  if info.what == "C" then
    return "[C]"
  end
  local file = info.source:match("^@(.*)") or info.short_src
  return ("%s:%d"):format(file, info.linedefined)
end

---Raises a message about a function, at the function's own place.
---@param handler function
---@param message string
---@param ... any for string.format
function source.fail(handler, message, ...)
  error(("%s: %s"):format(source.of(handler), message:format(...)), 0)
end

return source
