--- A decider with one command, for the benchmark.
local fstore = require "fstore"

return fstore.decider {
  name = "Order",
  events = { OrderPlaced = "an order was placed" },
  initial_state = { orders = 0 },
  decide = {
    PlaceOrder = function(command)
      return { { event = "OrderPlaced", data = command.data } }
    end,
  },
  evolve = {
    OrderPlaced = function(state)
      return { orders = state.orders + 1 }
    end,
  },
}
