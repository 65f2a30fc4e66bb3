--- Consuming with a handler that does nothing: leases and acks, through the projector.
local comparison = require "bench.comparison"
local events = require "bench.events"
local fstore = require "fstore"
local projector = require "fstore.application.projector"

local function nothing(name)
  return fstore.view { name = name, start_at = "-infinity", on = { OrderPlaced = function() end } }
end

-- Events a second until so many are handled.
local function consume(consumer, count)
  local handled = 0
  local seconds = comparison.seconds(function()
    while handled < count do
      local step = assert(consumer:step())
      assert(step.handled > 0 and #step.failures == 0)
      handled = handled + step.handled
    end
  end)
  return handled / seconds
end

-- The original's loop: it streams so many partitions and acks each of its events.
local function stream_and_ack(connection, schema, count, limit)
  local stream = ("SELECT decider_id, \"offset\" FROM %s.stream_events('view1', %d)"):format(schema, limit)
  local ack = ("SELECT FROM %s.ack_event('view1', $1::uuid, $2::bigint)"):format(schema)
  local handled = 0
  local seconds = comparison.seconds(function()
    while handled < count do
      local found = assert(connection:exec(stream))
      assert(#found > 0)
      for _, event in ipairs(found) do
        assert(connection:exec(ack, event.decider_id, event.offset))
      end
      handled = handled + #found
    end
  end)
  return handled / seconds
end

local function original(server, streams, length)
  local schema = server:original(1)
  if not schema then
    return nil
  end
  local connection = server:connect_to_original(schema)
  events.fill_original(connection, schema, { streams = streams, length = length })
  server:settle(schema .. ".events", schema .. ".locks")
  return function() return stream_and_ack(connection, schema, 1000, 100) end
end

-- Each round takes its share of what is pending.
local function shape(server, compare, options)
  local store <close> = server:store(1)
  events.fill(store, options)
  server:settle(store:schema() .. ".events", store:schema() .. ".locks")
  local consumer = projector.new(store, nothing("view1"), { limit = options.limit })
  local share = options.streams * options.length // options.rounds
  local sides = { { name = "ours", run = function() return consume(consumer, share - options.limit) end } }
  local run = original(server, options.streams, options.length)
  if run then
    sides[2] = { name = "original", run = run }
  end
  compare:run(options.title, "ev/s", {
    rounds = options.rounds, sides = sides, targets = { { of = "original", at_least = 20 } }, floor = options.floor,
  })
end

return function(server, compare)
  shape(server, compare, {
    title = "consume, 200,000 partitions of 1 event", streams = 200000, length = 1, limit = 500, rounds = 5,
    floor = 25000,
  })
  shape(server, compare, {
    title = "consume, 100 partitions of 1,000 events", streams = 100, length = 1000, limit = 1000, rounds = 5,
    floor = 300000,
  })
end
