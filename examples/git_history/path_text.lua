-- A path in git is a string of bytes; a business key and a JSON string are valid UTF-8 text. This is the way there
-- and back: printable UTF-8 stays as it is, any other byte and "%" become %XX.
local path_text = {}

local UUID = "^" .. ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"

local function escape(char)
  return ("%%%02X"):format(char:byte())
end

-- Escapes each byte of `bytes` that belongs to no well-formed UTF-8 character.
local function escape_malformed(bytes)
  local parts, from = {}, 1
  while true do
    local _, bad = utf8.len(bytes, from)
    if not bad then break end
    parts[#parts + 1] = bytes:sub(from, bad - 1)
    parts[#parts + 1] = escape(bytes:sub(bad, bad))
    from = bad + 1
  end
  parts[#parts + 1] = bytes:sub(from)
  return table.concat(parts)
end

--- Writes any path as text; different paths give different texts.
---@param path string bytes
---@return string text valid UTF-8 without control characters
function path_text.encode(path)
  local text = path:gsub("[%c%%]", escape)
  if not utf8.len(text) then text = escape_malformed(text) end
  -- A file may be named like a UUID. As a business key it must not be taken for one.
  if text:find(UUID) then text = text:gsub("^.", escape) end
  return text
end

--- Gives back the bytes of a path.
---@param text string what encode() returned
---@return string path
function path_text.decode(text)
  local path = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return path
end

return path_text
