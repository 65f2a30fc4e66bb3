--- Asserts that a function raises a message that matches, file and line included (luassert's own leaves them out).
local assert = require "luassert"

---@param body function
---@param pattern string
return function(body, pattern)
  local ok, message = pcall(body)
  assert.is_false(ok, "it raised nothing")
  assert.matches(pattern, tostring(message))
end
