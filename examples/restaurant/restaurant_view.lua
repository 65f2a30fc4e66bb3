-- A read model: what a guest sees of a restaurant.
local fstore = require "fstore"

return fstore.view {
  name = "restaurant_view",
  start_at = "-infinity",
  decider = require "restaurant",
  initial_state = { name = "", menu = {}, dishes_sold = 0 },

  evolve = {
    RestaurantCreated = function(restaurant, event)
      restaurant.name, restaurant.menu = event.data.name, event.data.menu
      return restaurant
    end,

    MenuChanged = function(restaurant, event)
      restaurant.menu = event.data.menu
      return restaurant
    end,

    OrderPlacedAtRestaurant = function(restaurant, event)
      for _, item in ipairs(event.data.items) do
        restaurant.dishes_sold = restaurant.dishes_sold + item.quantity
      end
      return restaurant
    end,
  },
}
