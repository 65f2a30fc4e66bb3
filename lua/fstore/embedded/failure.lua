--- What went wrong with the embedded server, in the shape of the library's other errors.

---@class fstore.embedded.Failure
---@field kind "no_server"|"embedded"
---@field message string
---@field hint? string the way out
---@field users? integer who are in the way of stopping

local failure = {}

local metatable = { __name = "fstore.error" }

function metatable:__tostring()
  if not self.hint then return self.message end
  return self.message .. "\n  hint: " .. self.hint
end

---@param kind "no_server"|"embedded"
---@param message string
---@param hint? string
---@return fstore.embedded.Failure
function failure.new(kind, message, hint)
  return setmetatable({ kind = kind, message = message, hint = hint }, metatable)
end

--- A failed system call: `cannot create /x: permission denied`.
---@param doing string what was tried, with its object
---@param uv_message string luv's text, `EACCES: permission denied: /x`
---@return fstore.embedded.Failure
function failure.system(doing, uv_message)
  local reason = uv_message:match("^%u[%u%d]*: ([^:]+)") or uv_message
  return failure.new("embedded", ("cannot %s: %s"):format(doing, reason))
end

return failure
