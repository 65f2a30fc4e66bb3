--- Values as text, and what is different between two of them.
local json = require "fstore.core".json

local diff = {}

local function sorted_keys(object)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local write

local function write_list(lines, list, indent)
  for index, item in ipairs(list) do
    write(lines, item, indent .. "  ", indent .. "  ", index < #list and "," or "")
  end
end

local function write_object(lines, object, indent)
  local keys = sorted_keys(object)
  for index, key in ipairs(keys) do
    local head = ("%s  %s: "):format(indent, json.encode(key))
    write(lines, object[key], indent .. "  ", head, index < #keys and "," or "")
  end
end

function write(lines, item, indent, head, tail)
  if type(item) ~= "table" then
    lines[#lines + 1] = head .. json.encode(item) .. tail
  elseif next(item) == nil then
    lines[#lines + 1] = head .. "{}" .. tail -- an empty list looks the same: Lua does not tell them apart
  else
    local is_list = #item > 0
    lines[#lines + 1] = head .. (is_list and "[" or "{");
    (is_list and write_list or write_object)(lines, item, indent)
    lines[#lines + 1] = indent .. (is_list and "]" or "}") .. tail
  end
end

---A value as lines of text. Raises what JSON cannot hold.
---@param item any nil becomes "nothing"
---@return string[] lines
function diff.lines(item)
  if item == nil then
    return { "nothing" }
  end
  local lines = {}
  write(lines, json.decode(json.encode(item)), "", "", "")
  return lines
end

-- Lengths of the longest common subsequences of the lines from i and j on.
local function common_lengths(a, b)
  local lengths = {}
  for i = #a + 1, 1, -1 do
    lengths[i] = {}
    for j = #b + 1, 1, -1 do
      if i > #a or j > #b then
        lengths[i][j] = 0
      elseif a[i] == b[j] then
        lengths[i][j] = lengths[i + 1][j + 1] + 1
      else
        lengths[i][j] = math.max(lengths[i + 1][j], lengths[i][j + 1])
      end
    end
  end
  return lengths
end

---What is different between two values, line by line; nil when they are the same.
---@param expected any
---@param actual any
---@return string? text lines marked "-" (expected) and "+" (actual)
function diff.of(expected, actual)
  local a, b = diff.lines(expected), diff.lines(actual)
  if table.concat(a, "\n") == table.concat(b, "\n") then
    return nil
  end
  local lengths, out, i, j = common_lengths(a, b), {}, 1, 1
  while i <= #a or j <= #b do
    if i <= #a and j <= #b and a[i] == b[j] then
      out[#out + 1], i, j = "    " .. a[i], i + 1, j + 1
    elseif i <= #a and (j > #b or lengths[i + 1][j] >= lengths[i][j + 1]) then
      out[#out + 1], i = "  - " .. a[i], i + 1
    else
      out[#out + 1], j = "  + " .. b[j], j + 1
    end
  end
  return table.concat(out, "\n")
end

return diff
