-- What a restaurant takes, its kitchen gets. `fstore-lua handle order_placement.lua` does both in one transaction;
-- `fstore-lua project order_placement.lua` lets the kitchen follow a moment later.
local fstore = require "fstore"
local order = require "order"
local restaurant = require "restaurant"

return fstore.saga {
  name = "order_placement",
  start_at = "-infinity",
  decider = fstore.combine(restaurant, order),

  react = {
    OrderPlacedAtRestaurant = function(event)
      local placed = event.data
      return { {
        command = "CreateOrder",
        decider_id = placed.order_id,
        data = { order_id = placed.order_id, restaurant_id = event.decider_id, items = placed.items },
      } }
    end,
  },
}
