--- A view that keeps when each event was sent and when it arrived, for the benchmark.
local fstore = require "fstore"

return fstore.view {
  name = "latency",
  start_at = "-infinity",
  setup = "CREATE TABLE IF NOT EXISTS arrivals (sent bigint, arrived timestamptz)",
  on = {
    OrderPlaced = function(event, db)
      db:exec("INSERT INTO arrivals VALUES ($1, clock_timestamp())", event.data.sent)
    end,
  },
}
