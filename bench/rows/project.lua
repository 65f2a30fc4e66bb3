--- A view that upserts one row per event, exactly once, beside the same upserts in a plain libpq loop.
local comparison = require "bench.comparison"
local events = require "bench.events"
local projector = require "fstore.application.projector"

local BATCH <const> = 500
local KEYS <const> = 500
local ROUNDS <const> = 5
local PER_ROUND <const> = 30000

local UPSERT <const> = [[
  INSERT INTO totals (key, total) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET total = totals.total + excluded.total]]

local function ours(store, view)
  local consumer = projector.new(store, view, { limit = BATCH })
  assert(consumer:prepare())
  return function()
    local handled = 0
    local seconds = comparison.seconds(function()
      while handled < PER_ROUND - 2 * BATCH do
        handled = handled + assert(consumer:step()).handled
      end
    end)
    return handled / seconds
  end
end

return function(server, compare)
  local store <close>, plain = server:store(), server:new_name("plain")
  events.fill(store, { streams = KEYS, length = ROUNDS * PER_ROUND // KEYS })
  server:settle(store:schema() .. ".events")
  assert(store:exec(([[
    CREATE SCHEMA %s;
    CREATE TABLE %s.totals (key text PRIMARY KEY, total bigint NOT NULL);
    INSERT INTO %s.totals SELECT k, 0 FROM generate_series(0, %d) AS k]]):format(plain, plain, plain, BATCH - 1)))
  local view = dofile(server.root .. "/bench/scripts/totals.lua")
  compare:run("project into a table, one upsert an event", "ev/s", {
    rounds = ROUNDS,
    sides = {
      { name = "ours", run = ours(store, view) },
      { name = "upserts by libpq", run = function()
        return server:baseline("upsert", { sql = UPSERT, seconds = 1, size = BATCH, schema = plain })
      end },
    },
    targets = { { of = "upserts by libpq", at_least = 0.8 } },
  })
end
