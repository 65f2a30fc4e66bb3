--- Dice for specs: the same seed throws the same numbers on every machine.

---@class fstore.Random
---@field package state integer
local Random = {}
Random.__index = Random

local random = {}

---@param seed integer
---@return fstore.Random
function random.new(seed)
  local self = setmetatable({ state = seed * 0x9E3779B97F4A7C15 ~ 0x2545F4914F6CDD1D }, Random)
  if self.state == 0 then
    self.state = 1
  end
  return self
end

-- xorshift64*
local function next_number(self)
  local x = self.state
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self.state = x
  return (x * 0x2545F4914F6CDD1D) >> 1
end

---@param low integer
---@param high integer
---@return integer from low to high, both included
function Random:integer(low, high)
  return low + next_number(self) % (high - low + 1)
end

---@generic T
---@param list T[]
---@return T
function Random:one_of(list)
  return list[self:integer(1, #list)]
end

---@return boolean
function Random:boolean()
  return self:integer(0, 1) == 1
end

return random
