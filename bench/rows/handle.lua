--- Commands from NDJSON through `fstore-lua handle`, beside the same events appended by the library in batches.
local comparison = require "bench.comparison"
local core = require "fstore.core"
local events = require "bench.events"

local COMMANDS <const> = 4000
local BATCH <const> = 500

-- So many commands, to new deciders or all to one.
local function ndjson(count, is_one)
  local lines, one = {}, core.uuid.v7()
  for index = 1, count do
    lines[index] = ('{"decider_id":"%s","command":"PlaceOrder","data":{"item":"book","quantity":%d}}')
      :format(is_one and one or core.uuid.v7(), index)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function program(server, store)
  return {
    server.root .. "/build/bin/fstore-lua", "--db", server.conninfo, "--schema", store:schema(), "handle",
    server.root .. "/bench/scripts/order.lua",
  }
end

-- What starting the program costs is no part of a command's cost.
local function ours(server, store, count, is_one)
  return function()
    local command, input = program(server, store), ndjson(count, is_one)
    local function seconds(text)
      return comparison.seconds(function() server:run_quietly(command, { input = text }) end)
    end
    local idle, busy = seconds(ndjson(1)), seconds(input)
    return (count - 1) / (busy - idle)
  end
end

local function appended(store, length)
  local source = events.source(length)
  return function()
    return comparison.rate(0.5, function()
      assert(store:append_events(events.list(source, BATCH)))
      return BATCH
    end)
  end
end

local function one_by_one(store)
  local source = events.source(1000)
  return function()
    return comparison.rate(0.5, function()
      assert(store:append_event(source()))
      return 1
    end)
  end
end

local function kind(server, compare, title, count, is_one)
  local store <close> = server:store()
  local other <close> = server:store()
  compare:run(title, "cmd/s", {
    sides = {
      { name = "ours", run = ours(server, store, count, is_one) },
      { name = "append, one by one", run = one_by_one(other) },
      { name = "append in batches", run = appended(other, is_one and BATCH or 1) },
    },
    targets = { { of = "append, one by one", at_least = 0.7 }, { of = "append in batches" } },
  })
end

return function(server, compare)
  kind(server, compare, "handle NDJSON, new deciders", COMMANDS)
  kind(server, compare, "handle NDJSON, 1,000 commands to one decider", 1000, true)
end
