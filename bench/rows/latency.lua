--- From an append to its handler in `fstore-lua project`, on an idle system; and what waking costs the writers.
local comparison = require "bench.comparison"
local core = require "fstore.core"
local uv = require "luv"

local EVENTS <const> = 200
local PAUSE_MS <const> = 20

local function append(store)
  local seconds, microseconds = uv.gettimeofday()
  assert(store:append_event {
    event = "OrderPlaced", decider = "Order", decider_id = core.uuid.v7(), command_id = core.uuid.v7(),
    data = { sent = seconds * 1000000 + microseconds },
  })
end

local function start_host(server, store)
  local arguments = {
    "--db", server.conninfo, "--schema", store:schema(), "project", server.root .. "/bench/scripts/latency.lua",
  }
  local handle
  handle = assert(uv.spawn(server.root .. "/build/bin/fstore-lua", { args = arguments }, function() handle:close() end))
  return handle
end

-- Milliseconds of each event, from the moment before its append to the one in its handler.
local function latencies(server, store)
  local host = start_host(server, store)
  uv.sleep(1000)
  for _ = 1, EVENTS do
    append(store)
    uv.sleep(PAUSE_MS)
  end
  uv.sleep(500)
  host:kill("sigterm")
  uv.run()
  local list = {}
  local rows = assert(store:exec(("SELECT extract(epoch FROM arrived) * 1000 - sent / 1000.0 AS ms FROM %s.arrivals")
    :format(store:schema())))
  for index, row in ipairs(rows) do
    list[index] = tonumber(row.ms)
  end
  assert(#list == EVENTS, "not every event arrived")
  return list
end

-- Events a second of eight writers beside a consumer.
local function appended(server, store, how)
  return function()
    local stop <close> = server:background { "bench/consumer.lua", server.conninfo, store:schema(), how, "4" }
    return stop and server:appenders { schema = store:schema(), seconds = 2, clients = 8 }
  end
end

return function(server, compare)
  local store <close> = server:store()
  local other <close> = server:store(1)
  local list = latencies(server, store)
  compare:note("append to handler, p50", "ms", comparison.quantile(list, 0.5), 2)
  compare:note("append to handler, p99", "ms", comparison.quantile(list, 0.99), 10)
  compare:run("append, 8 clients, a consumer is woken", "ev/s", {
    rounds = 7,
    sides = {
      { name = "ours", run = appended(server, other, "wake") },
      { name = "a consumer polls", run = appended(server, other, "poll") },
    },
    targets = { { of = "a consumer polls", at_least = 0.95 } },
  })
end
