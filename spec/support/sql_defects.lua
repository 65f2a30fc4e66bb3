--- Defects of the original schema, as specs that run against both: each replays what happened and says what it saw;
--- ours must show one outcome, the original (SEED=file) the other, else the replay would prove nothing.
---
---   defect("D1", "two first events at once fork the stream", {
---     replay = function(store) … return { first_events = n } end,
---     original = { first_events = 2 },
---     ours = { first_events = 1 },
---   })
local busted = require "busted"
local luassert = require "luassert"
local store = require "spec.support.sql_store"

---@class spec.sql.Replay
---@field replay fun(fresh: spec.sql.Store): table what was seen
---@field original table what is seen with the original
---@field ours table what is seen with ours

---@param number string
---@param title string
---@param scenario spec.sql.Replay
return function(number, title, scenario)
  busted.it(("%s: %s"):format(number, title), function()
    local fresh <close> = store.open()
    luassert.same(store.seed and scenario.original or scenario.ours, scenario.replay(fresh))
  end)
end
