--- Batches of 1,000 events, a commit each, in streams of 10: our library beside a prepared INSERT … SELECT in C.
local comparison = require "bench.comparison"
local events = require "bench.events"

local SECONDS <const> = 1
local SIZE <const> = 1000

local function ours(store)
  local source = events.source(10)
  return function()
    return comparison.rate(SECONDS, function(list)
      assert(store:append_events(list))
      return SIZE
    end, function() return events.list(source, SIZE) end)
  end
end

-- The original has no batch: it commits one by one, or, as here, as many as we do in one transaction.
local function original(server, schema)
  return function()
    return server:baseline("single", { sql = events.ORIGINAL, seconds = SECONDS, schema = schema })
  end
end

local function with_views(server, compare, views, at_least)
  local store <close> = server:store(views)
  local plain, original_schema = server:plain(), server:original(views)
  local sides = {
    { name = "ours", run = ours(store) },
    { name = "INSERT … SELECT", run = function()
      return server:baseline("batch", { sql = events.INSERT_BATCH, seconds = SECONDS, size = SIZE, schema = plain })
    end },
  }
  if original_schema then
    sides[3] = { name = "original", run = original(server, original_schema) }
  end
  compare:run(("append in batches of 1,000, %d views"):format(views), "ev/s", {
    rounds = 9, sides = sides,
    targets = { { of = "INSERT … SELECT", at_least = at_least }, { of = "original", at_least = 8 } },
  })
end

return function(server, compare)
  with_views(server, compare, 0, 0.90)
  with_views(server, compare, 3, 0.75)
end
