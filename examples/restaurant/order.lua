-- An order in the kitchen of a restaurant.
local fstore = require "fstore"

local decide = {}

function decide.CreateOrder(command, state)
  if state.status ~= "new" then return nil, "the order exists already" end
  return { { event = "OrderCreated", data = command.data } }
end

function decide.MarkOrderPrepared(_, state)
  if state.status ~= "created" then return nil, ("the order is %s, not waiting to be prepared"):format(state.status) end
  return { { event = "OrderPrepared" } }
end

local function becomes(status)
  return function() return { status = status } end
end

return fstore.decider {
  name = "KitchenOrder",

  events = {
    OrderCreated = "the kitchen got an order",
    OrderPrepared = { description = "the dishes are ready", final = true },
  },

  initial_state = { status = "new" },
  decide = decide,
  evolve = { OrderCreated = becomes("created"), OrderPrepared = becomes("prepared") },
}
