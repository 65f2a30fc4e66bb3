--- Parameters that are lists: one jsonb array each, taken apart by ARRAY(SELECT jsonb_array_elements_text($n)).
local json = require "fstore.core".json

local params = {}

---@param items any[]
---@return fstore.JsonValue
function params.list(items)
  return json.value(json.array(items))
end

---One field of each item as a list; what an item lacks is null.
---@param items table[]
---@param field string
---@return fstore.JsonValue
function params.fields(items, field)
  local values = {}
  for index, item in ipairs(items) do
    values[index] = item[field] == nil and json.null or item[field]
  end
  return params.list(values)
end

return params
