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
local pretty = require "pl.pretty"

local shown, order = {}, {} -- by defect: whether each replay so far showed it

local function report(number, title, outcome, as_in_original)
  if shown[number] == nil then
    order[#order + 1] = number
    shown[number] = true
  end
  shown[number] = shown[number] and as_in_original
  io.write(("\n%-4s%-10s %s: %s\n"):format(number, as_in_original and "shown" or "not shown", title,
    pretty.write(outcome, "")))
end

local function summarise()
  local count = 0
  for _, number in ipairs(order) do count = count + (shown[number] and 1 or 0) end
  io.write(("\n%d of %d defects shown\n"):format(count, #order))
  return nil, true
end

if store.seed then busted.subscribe({ "suite", "end" }, summarise, { priority = 1 }) end

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
    local outcome = scenario.replay(fresh)
    if store.seed then
      local as_in_original = pcall(luassert.same, scenario.original, outcome)
      report(number, title, outcome, as_in_original)
    end
    luassert.same(store.seed and scenario.original or scenario.ours, outcome)
  end)
end
