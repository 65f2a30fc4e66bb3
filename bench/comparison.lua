--- Measures several ways of doing the same work, turn by turn, so that what else the machine does touches all of them.
local uv = require "luv"

---@class bench.Side
---@field name string
---@field run fun(): number one round: a rate, or a time

---@class bench.Target
---@field of string name of the side that ours is divided by
---@field at_least number? of the ratio, for rates
---@field at_most number? of the ratio, for times

local Comparison = {}
Comparison.__index = Comparison

local comparison = {}

function comparison.new(results, row)
  return setmetatable({ results = results, row = row }, Comparison)
end

---@param list number[]
---@param share number? 0.5: the median
function comparison.quantile(list, share)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(#sorted * (share or 0.5)))]
end

function comparison.median(list)
  local half = comparison.quantile(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return #list % 2 == 1 and half or (sorted[#list // 2] + sorted[#list // 2 + 1]) / 2
end

---Seconds that a call takes.
---@param call fun()
function comparison.seconds(call)
  local start = uv.hrtime()
  call()
  return (uv.hrtime() - start) / 1e9
end

---How many items a second a step does, in so many seconds. What `prepare` gives it takes no time.
---@param seconds number
---@param step fun(prepared: any): integer items done
---@param prepare (fun(): any)?
function comparison.rate(seconds, step, prepare)
  local busy, items = 0, 0
  while busy < seconds * 1e9 do
    local prepared = prepare and prepare()
    local start = uv.hrtime()
    items = items + step(prepared)
    busy = busy + uv.hrtime() - start
  end
  return items * 1e9 / busy
end

---Median seconds of a call.
function comparison.typical(times, call)
  local list = {}
  for index = 1, times do
    list[index] = comparison.seconds(call)
  end
  return comparison.median(list)
end

local function run_rounds(sides, rounds)
  local values = {}
  for _, side in ipairs(sides) do
    values[side.name] = {}
  end
  for round = 1, rounds do
    for place = 1, #sides do
      -- Every other round goes backwards: what comes second never gains by it.
      local side = sides[round % 2 == 1 and place or #sides + 1 - place]
      values[side.name][round] = side.run()
    end
  end
  return values
end

local function ratio_of(values, target, rounds)
  local ratios = {}
  for round = 1, rounds do
    ratios[round] = values.ours[round] / values[target.of][round]
  end
  return comparison.median(ratios)
end

---Runs the sides in turn and reports our ratio to each target; the first side is "ours".
---@param title string
---@param unit string
---@param options { rounds: integer?, sides: bench.Side[], targets: bench.Target[], floor: number? }
---  floor: what ours must reach by itself
function Comparison:run(title, unit, options)
  local rounds = options.rounds or 5
  local values = run_rounds(options.sides, rounds)
  if options.floor then
    self.results:add {
      row = self.row, title = title, unit = unit, ours = comparison.median(values.ours), floor = options.floor,
    }
  end
  for _, target in ipairs(options.targets) do
    if values[target.of] then
      self.results:add {
        row = self.row, title = title, unit = unit, ours = comparison.median(values.ours), baseline = target.of,
        theirs = comparison.median(values[target.of]), ratio = ratio_of(values, target, rounds), rounds = rounds,
        at_least = target.at_least, at_most = target.at_most,
      }
    end
  end
end

---Two numbers measured elsewhere.
---@param target { at_least: number?, at_most: number? }
function Comparison:pair(title, unit, ours, theirs, baseline, target)
  self.results:add {
    row = self.row, title = title, unit = unit, ours = ours, theirs = theirs, baseline = baseline,
    ratio = ours / theirs, at_least = target.at_least, at_most = target.at_most,
  }
end

---A number that stands for itself, or is held against a limit in its own unit.
---@param title string
---@param unit string
---@param value number
---@param at_most number?
function Comparison:note(title, unit, value, at_most)
  self.results:add { row = self.row, title = title, unit = unit, ours = value, limit = at_most }
end

return comparison
