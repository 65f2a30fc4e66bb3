--- Numbers and times in words for people.
local words = {}

---@param n integer
---@param noun string singular
---@return string "1 partition", "1,204 events"
function words.count(n, noun)
  local digits = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return ("%s %s%s"):format(digits, noun, n == 1 and "" or "s")
end

---@param seconds number? nil: nothing is said
---@return string
function words.duration(seconds)
  if not seconds then
    return ""
  elseif seconds < 60 then
    return ("%.1f s"):format(seconds)
  elseif seconds < 3600 then
    return ("%d min %d s"):format(seconds // 60, seconds % 60 // 1)
  end
  return ("%d h %d min"):format(seconds // 3600, seconds % 3600 // 60)
end

return words
