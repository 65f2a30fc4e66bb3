--- States of deciders kept in memory: the most recently used, at most so many.
local Cache = {}
Cache.__index = Cache

local state_cache = {}

---@param size integer states kept for sure; up to twice as many may be
function state_cache.new(size)
  return setmetatable({ size = size, count = 0, young = {}, old = {} }, Cache)
end

---@param key string
---@return table? entry
function Cache:get(key)
  local entry = self.young[key]
  if not entry and self.old[key] then
    entry = self.old[key]
    self:put(key, entry)
  end
  return entry
end

---@param key string
---@param entry table
function Cache:put(key, entry)
  if not self.young[key] then
    self.count = self.count + 1
    if self.count > self.size then
      -- Two generations instead of a list of uses: what was not asked for in a whole generation goes.
      self.old, self.young, self.count = self.young, {}, 1
    end
  end
  self.young[key] = entry
end

---@param key string
function Cache:drop(key)
  if self.young[key] then
    self.count = self.count - 1
  end
  self.young[key], self.old[key] = nil, nil
end

return state_cache
