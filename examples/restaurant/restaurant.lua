-- A restaurant: it has a menu, and takes orders of what is on it.
local fstore = require "fstore"

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

local function is_quantity(value)
  return math.type(value) == "integer" and value >= 1 and value <= 100
end

-- A menu is an object of dishes and their prices in cents. The reason why it is none, or nil.
local function menu_problem(menu)
  if type(menu) ~= "table" or next(menu) == nil then return "a menu needs at least one dish" end
  for dish, price in pairs(menu) do
    if not is_text(dish) then return "a menu is an object of dishes and prices" end
    if not is_quantity(price // 100) then return ("%s must cost 100 to 10000 cents"):format(dish) end
  end
end

-- The reason why an order cannot be taken, or nil.
local function order_problem(order, menu)
  if not is_text(order.order_id) then return "an order needs an order_id" end
  if type(order.items) ~= "table" or #order.items == 0 then return "an order needs items" end
  for _, item in ipairs(order.items) do
    if not menu[item.dish] then return ("%s is not on the menu"):format(item.dish) end
    if not is_quantity(item.quantity) then return ("the quantity of %s must be 1 to 100"):format(item.dish) end
  end
end

local decide = {}

function decide.CreateRestaurant(command, state)
  if state.status ~= "new" then return nil, "the restaurant exists already" end
  local name, menu = command.data.name, command.data.menu
  if not is_text(name) then return nil, "a restaurant needs a name" end
  local problem = menu_problem(menu)
  if problem then return nil, problem end
  return { { event = "RestaurantCreated", data = { name = name, menu = menu } } }
end

function decide.ChangeMenu(command, state)
  if state.status == "new" then return nil, "the restaurant does not exist" end
  local problem = menu_problem(command.data.menu)
  if problem then return nil, problem end
  return { { event = "MenuChanged", data = { menu = command.data.menu } } }
end

function decide.PlaceOrder(command, state)
  if state.status == "new" then return nil, "the restaurant does not exist" end
  local order = command.data
  local problem = order_problem(order, state.menu)
  if problem then return nil, problem end
  return { { event = "OrderPlacedAtRestaurant", data = { order_id = order.order_id, items = order.items } } }
end

-- In version 1 an order was a list of dishes, each as often as it was wanted.
local function count_dishes(data)
  local items, item_of = {}, {}
  for _, dish in ipairs(data.dishes) do
    if not item_of[dish] then
      item_of[dish] = { dish = dish, quantity = 0 }
      table.insert(items, item_of[dish])
    end
    item_of[dish].quantity = item_of[dish].quantity + 1
  end
  return { order_id = data.order_id, items = items }
end

return fstore.decider {
  name = "Restaurant",

  events = {
    RestaurantCreated = "a restaurant opened, with its first menu",
    MenuChanged = "the restaurant offers other dishes from now on",
    OrderPlacedAtRestaurant = {
      description = "the restaurant took an order",
      version = 2,
      upcast = { [1] = count_dishes },
    },
  },

  initial_state = { status = "new", menu = {} },

  decide = decide,

  evolve = {
    RestaurantCreated = function(_, event) return { status = "open", menu = event.data.menu } end,
    MenuChanged = function(state, event) return { status = state.status, menu = event.data.menu } end,
  },
}
