-- A read model: what the kitchen sees of an order.
local fstore = require "fstore"

return fstore.view {
  name = "order_view",
  start_at = "-infinity",
  decider = require "order",
  initial_state = { status = "created" },

  evolve = {
    OrderCreated = function(order, event)
      order.order_id, order.restaurant_id, order.items = event.data.order_id, event.data.restaurant_id, event.data.items
      return order
    end,

    OrderPrepared = function(order)
      order.status = "prepared"
      return order
    end,
  },
}
