--- Checks of what a caller hands in. A caller's bug raises, at the caller's line.
local check = {}

local function type_name(value)
  return math.type(value) == "integer" and "integer" or type(value)
end

local function matches(value, wanted)
  for name in wanted:gmatch("[^|]+") do
    if type(value) == name or type_name(value) == name or name == "any" then
      return true
    end
  end
  return false
end

---Raises unless `value` has one of the types.
---@param what string names the value in the message: "store:ack_event: offset"
---@param value any
---@param wanted string type names joined by "|"; "integer" is one, "nil" makes it optional
---@param level integer? of the caller at fault (default 3: who called the function that checks)
function check.type(what, value, wanted, level)
  if not matches(value, wanted) then
    error(("%s must be %s, not %s"):format(what, (wanted:gsub("|", " or ")), type_name(value)), level or 3)
  end
end

---Raises unless `options` is a table with only the known keys, each of its type.
---@param what string names the function in the message
---@param options table?
---@param known table<string, string> key → types
---@param level integer?
---@return table options an empty table for nil
function check.options(what, options, known, level)
  level = (level or 3) + 1
  if options == nil then
    options = {}
  end
  check.type(what .. ": options", options, "table", level)
  for key in pairs(options) do
    if not known[key] then
      error(("%s: unknown option %q"):format(what, tostring(key)), level - 1)
    end
  end
  for key, wanted in pairs(known) do
    check.type(("%s: %s"):format(what, key), options[key], wanted, level)
  end
  return options
end

return check
