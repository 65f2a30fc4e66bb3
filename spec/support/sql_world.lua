--- What the actors of the random spec share: the store, what they have written down for sql_checker, and the time.
local core = require "fstore.core"

---@class spec.sql.World
---@field log spec.sql.Log
---@field partitions string[] decider_ids that are in use
---@field views string[] registered so far
---@field is_over boolean appends have ended, consumers finish what is left
---@field is_drained boolean nothing is left
---@field counts table<string, integer> what happened how often
---@field private store spec.sql.Store
local World = {}
World.__index = World

--- What the store may answer to an append that is wrong, late or unlucky, to a registration, and to a vandal.
World.refusals = {}
for code in ("FS001 FS002 FS003 FS004 FS005 23503 23505 25P02 40001 40P01 55P03"):gmatch("%S+") do
  World.refusals[code] = true
end

local settings = "SET deadlock_timeout = '50ms'"

--- A session that gives up soon in a deadlock.
---@return spec.sql.Client
function World:client()
  local client = self.store:client()
  client:query(settings)
  return client
end

---@param what string
function World:count(what) self.counts[what] = (self.counts[what] or 0) + 1 end

--- Takes an error that was to be expected; raises any other.
---@param err spec.sql.Error
function World:refused(err)
  if not World.refusals[type(err) == "table" and err.sqlstate] then error(err, 0) end
  self:count(err.sqlstate)
end

--- Puts a new partition in the place of one in use.
---@param place integer
function World:renew(place) self.partitions[place] = core.uuid.v4() end

---@param store spec.sql.Store
---@return spec.sql.World
return function(store)
  local self = setmetatable({
    store = store, partitions = {}, views = {}, is_over = false, is_drained = false, counts = {},
    log = { appended = {}, undone = {}, registrations = {}, leases = {}, acks = {} },
  }, World)
  for place = 1, 8 do self:renew(place) end
  return self
end
