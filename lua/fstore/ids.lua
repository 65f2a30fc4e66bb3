--- Identities: a decider's id is a UUID, or a business key that becomes one.
local uuid = require "fstore.core".uuid

local ids = {}

-- Any constant UUID would do; it must never change, or business keys would name other streams.
local ROOT = "0f5e1e5a-8c0b-5f0a-9a53-6f73746f7265"

---The id of a decider: a UUID stays itself (in lower case), any other text is a business key and becomes a
---UUID v5 in the decider's own namespace, the same on every machine.
---@param decider string name of the decider
---@param key string UUID or business key
---@return string decider_id
function ids.decider_id(decider, key)
  if uuid.is_uuid(key) then
    return key:lower()
  end
  return uuid.v5(uuid.v5(ROOT, decider), key)
end

return ids
