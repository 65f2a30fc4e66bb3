--- One event per commit, one client: our library beside a prepared plain INSERT in C.
local comparison = require "bench.comparison"
local events = require "bench.events"

local SECONDS <const> = 1

local function ours(store)
  local source = events.source(10)
  return function()
    return comparison.rate(SECONDS, function(event)
      assert(store:append_event(event))
      return 1
    end, source)
  end
end

local function with_views(server, compare, views, at_least)
  local store <close> = server:store(views)
  local plain, original = server:plain(), server:original(views)
  local sides = {
    { name = "ours", run = ours(store) },
    { name = "plain INSERT", run = function()
      return server:baseline("single", { sql = events.INSERT, seconds = SECONDS, schema = plain })
    end },
  }
  if original then
    sides[3] = { name = "original", run = function()
      return server:baseline("single", { sql = events.ORIGINAL, seconds = SECONDS, schema = original })
    end }
  end
  compare:run(("append, 1 client, %d views"):format(views), "ev/s", {
    rounds = 7, sides = sides, targets = { { of = "plain INSERT", at_least = at_least }, { of = "original" } },
  })
end

return function(server, compare)
  with_views(server, compare, 0, 0.95)
  with_views(server, compare, 3, 0.80)
end
