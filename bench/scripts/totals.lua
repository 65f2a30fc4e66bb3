--- A view that upserts one row per event, for the benchmark.
local fstore = require "fstore"

local UPSERT <const> = [[
  INSERT INTO totals (key, total) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET total = totals.total + excluded.total]]

return fstore.view {
  name = "totals",
  start_at = "-infinity",
  setup = "CREATE TABLE IF NOT EXISTS totals (key text PRIMARY KEY, total bigint NOT NULL)",
  on = {
    OrderPlaced = function(event, db)
      db:exec(UPSERT, event.decider_id, event.data.quantity)
    end,
  },
}
