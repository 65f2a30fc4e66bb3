--- Values of the domain: what JSON can hold.
local json = require "fstore.core".json

local value = {}

---A deep copy of tables; all else is shared.
---@generic T
---@param original T
---@return T
function value.copy(original)
  if type(original) ~= "table" then
    return original
  end
  local new = {}
  for key, item in pairs(original) do
    new[key] = value.copy(item)
  end
  return setmetatable(new, getmetatable(original))
end

---Why JSON cannot hold a value, or nil when it can.
---@param name string of the value: "state"
---@param item any
---@return string? problem "state.items[3]: NaN is no JSON"
function value.problem(name, item)
  local ok, message = pcall(json.encode, item)
  if ok then
    return nil
  end
  return (tostring(message):gsub("^value", name, 1))
end

---A value as JSON text, kept as such: `tostring` gives the text, and the store takes it as it is.
---@param name string
---@param item any
---@return fstore.JsonValue? encoded, string? problem
function value.encode(name, item)
  local ok, encoded = pcall(json.value, item)
  if ok then
    return encoded
  end
  return nil, (tostring(encoded):gsub("^value", name, 1))
end

---A copy of a command or an event with what a mapping left out: the ids, the version, the time.
---@param mapped table what the mapping returned
---@param original table|fstore.Event
---@return table
function value.completed(mapped, original)
  if mapped == original then
    return original
  end
  local whole = {}
  for key, item in pairs(original) do
    whole[key] = item
  end
  for key, item in pairs(mapped) do
    whole[key] = item
  end
  return whole
end

return value
