--- Errors in words for people.
local message = {}

---An error's text without the lines that libpq and `require` put behind theirs, each after a tab: what they guess, or
---where they looked.
---@param err fstore.Error
---@return string
function message.of(err)
  return (tostring(err):gsub("\n\t[^\n]*", ""))
end

return message
