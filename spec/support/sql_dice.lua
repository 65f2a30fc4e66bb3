--- Random numbers that depend on the seed alone, whatever else runs.
---@class spec.sql.Dice
local Dice = {}
Dice.__index = Dice

---@param n integer
---@return integer number from 1 to n
function Dice:number(n) -- xorshift64*
  local x = self.state
  x = x ~ x >> 12
  x = x ~ x << 25
  x = x ~ x >> 27
  self.state = x
  return ((x * 2685821657736338717) >> 33) % n + 1
end

---@param percent integer
---@return boolean
function Dice:chance(percent) return self:number(100) <= percent end

---@generic T
---@param list T[]
---@return T
function Dice:pick(list) return list[self:number(#list)] end

---@param seed integer
---@return spec.sql.Dice
return function(seed) return setmetatable({ state = seed * 2654435761 + 88172645463325252 }, Dice) end
