--- An idle poll, and a lease of ten, from 1,000 to 1,000,000 deciders: what they cost must not grow.
local comparison = require "bench.comparison"
local events = require "bench.events"
local plot = require "bench.plot"

local SIZES <const> = { 1000, 10000, 100000, 1000000 }
local POLLS <const> = 2000
local LEASES <const> = 50 -- of ten: the 1,000 deciders have 100

local function milliseconds(times, call)
  return 1000 * comparison.typical(times, call)
end

local function measure_ours(server, streams)
  local store <close> = server:store(2)
  events.fill(store, { streams = streams })
  -- view2 has handled everything, as it does in a run of its own.
  assert(store:exec(("UPDATE %s.locks SET last_offset = \"offset\" WHERE view = 'view2'"):format(store:schema())))
  server:settle(store:schema() .. ".events", store:schema() .. ".locks")
  return {
    ping = milliseconds(POLLS, function() assert(store:exec("SELECT 1")) end),
    poll = milliseconds(POLLS, function() assert(#store:lease_events("view2", { limit = 100 }) == 0) end),
    lease = milliseconds(LEASES, function() assert(#store:lease_events("view1", { limit = 10 }) == 10) end),
  }
end

local function measure_original(server, streams)
  local schema = server:original(1)
  local connection <close> = server:connect_to_original(schema)
  local function stream()
    return assert(connection:exec("SELECT * FROM stream_events('view1', 10)"))
  end
  events.fill_original(connection, schema, { streams = streams })
  server:settle(schema .. ".events", schema .. ".locks")
  local lease = 1000 * comparison.typical(5, function() assert(#stream() == 10) end)
  assert(connection:exec("UPDATE locks SET last_offset = \"offset\""))
  server:settle(schema .. ".locks")
  local poll = 1000 * comparison.typical(5, function() assert(#stream() == 0) end)
  assert(connection:exec(("SET client_min_messages = warning; DROP SCHEMA %s CASCADE"):format(schema)))
  return { poll = poll, lease = lease }
end

local function report(compare, name, title, ours, theirs)
  local small, large = ours[1], ours[#ours]
  compare:pair(title .. ": 1,000,000 deciders to 1,000", "ms", large[name], small[name], "at 1,000", { at_most = 1.5 })
  compare:note(title .. ", 1,000,000 deciders", "ms", large[name], 2 * large.ping + 0.5)
  if theirs then
    compare:pair(title .. ", 1,000,000 deciders", "ms", large[name], theirs[#theirs][name], "original", {})
  end
end

return function(server, compare)
  local ours, theirs = {}, server.seed and {} or nil
  for index, streams in ipairs(SIZES) do
    ours[index] = measure_ours(server, streams)
    if theirs then
      theirs[index] = measure_original(server, streams)
    end
  end
  report(compare, "poll", "idle poll", ours, theirs)
  report(compare, "lease", "lease 10", ours, theirs)
  plot.save(server.root .. "/build/bench.svg", SIZES, ours, theirs)
end
