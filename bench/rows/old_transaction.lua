--- Consuming while another session holds a transaction open: nothing that was handled can be cleaned away.
local comparison = require "bench.comparison"
local events = require "bench.events"
local fstore = require "fstore"
local projector = require "fstore.application.projector"

local STREAMS <const> = 1000
local LENGTH <const> = 500
local LIMIT <const> = 500

local function consume_all(server, is_held)
  local store <close> = server:store(1)
  events.fill(store, { streams = STREAMS, length = LENGTH })
  server:settle(store:schema() .. ".events", store:schema() .. ".locks")
  local other <close> = server:connect()
  if is_held then
    assert(other:exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"))
  end
  local view = fstore.view { name = "view1", start_at = "-infinity", on = { OrderPlaced = function() end } }
  local consumer, handled = projector.new(store, view, { limit = LIMIT }), 0
  local seconds = comparison.seconds(function()
    while handled < STREAMS * LENGTH do
      handled = handled + assert(consumer:step()).handled
    end
  end)
  assert(store:exec(("SET client_min_messages = warning; DROP SCHEMA %s CASCADE"):format(store:schema())))
  return handled / seconds
end

return function(server, compare)
  compare:run("consume 500,000 events while a transaction stays open", "ev/s", {
    rounds = 3,
    sides = {
      { name = "ours", run = function() return consume_all(server, true) end },
      { name = "without it", run = function() return consume_all(server, false) end },
    },
    targets = { { of = "without it", at_least = 0.7 } },
  })
end
