--- Functions by type of command or event: written as a table, or as one function for several types.
local check = require "fstore.check"

local by_type = {}

---@param what string names it in messages: "fstore.decider: decide"
---@param functions table<string, function>|function
---@param names string[]|nil the types that one function takes; nil: any
---@param level integer of the caller at fault
---@return table<string, function> by_name
function by_type.read(what, functions, names, level)
  if type(functions) == "table" then
    for name, handler in pairs(functions) do
      check.type(("%s: key %s"):format(what, tostring(name)), name, "string", level + 1)
      check.type(("%s.%s"):format(what, name), handler, "function", level + 1)
    end
    return functions
  end
  check.type(what, functions, "function|table", level + 1)
  if not names then
    return setmetatable({}, { __index = function() return functions end })
  end
  local by_name = {}
  for _, name in ipairs(names) do
    by_name[name] = functions
  end
  return by_name
end

---@param by_name table<string, any>
---@return string[] names sorted
function by_type.names(by_name)
  local names = {}
  for name in pairs(by_name) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

---@param parts table[]
---@param field string of each, a list of names
---@return string[] names of all, sorted, each once
function by_type.union(parts, field)
  local all = {}
  for _, part in ipairs(parts) do
    for _, name in ipairs(part[field]) do
      all[name] = true
    end
  end
  return by_type.names(all)
end

return by_type
