--- A stream of 100,000 events loaded and folded in Lua, beside psql reading the same rows.
local comparison = require "bench.comparison"
local core = require "fstore.core"
local events = require "bench.events"

local LENGTH <const> = 100000

local function fold(store, decider_id)
  local state = { items = 0, total = 0 }
  for event in store:get_events(decider_id, "Order") do
    local data = event.data
    state.items, state.total = state.items + data.quantity, state.total + data.price.amount
  end
  return state
end

local function psql(server, store, decider_id)
  local command = {
    "psql", "-X", "-q", "-A", "-t", "-d", server.conninfo, "-o", "/dev/null", "-c",
    ("SELECT * FROM %s.events WHERE decider_id = '%s' AND decider = 'Order' ORDER BY \"offset\"")
      :format(store:schema(), decider_id),
  }
  return LENGTH / comparison.seconds(function() server:run(command) end)
end

-- Peak memory of a program that folds a stream, in MB.
local function peak(server, store, decider_id)
  local output = server:run {
    "lua5.4", server.root .. "/bench/folder.lua", server.conninfo, store:schema(), decider_id,
  }
  return tonumber(output) / 1024
end

return function(server, compare)
  local store <close> = server:store()
  events.fill(store, { streams = 1, length = LENGTH })
  server:settle(store:schema() .. ".events")
  local decider_id = events.decider_id(store, 1)
  compare:run("load and fold a stream of 100,000 events", "ev/s", {
    rounds = 7,
    sides = {
      { name = "ours", run = function()
        return LENGTH / comparison.seconds(function() assert(fold(store, decider_id).items == 2 * LENGTH) end)
      end },
      { name = "psql", run = function() return psql(server, store, decider_id) end },
    },
    targets = { { of = "psql", at_least = 0.65 } },
  })
  compare:run("peak memory, a stream of 100,000 events", "MB", {
    rounds = 1,
    sides = {
      { name = "ours", run = function() return peak(server, store, decider_id) end },
      { name = "an empty stream", run = function() return peak(server, store, core.uuid.v7()) end },
    },
    targets = { { of = "an empty stream", at_most = 1.5 } },
  })
end
