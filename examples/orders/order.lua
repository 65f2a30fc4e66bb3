-- An order of a shop, from the first item to the archive. Amounts are whole cents.
local fstore = require "fstore"

local function refuse(reason, ...)
  return nil, reason:format(...)
end

-- A count of things or of cents that a shop may have meant.
local function is_count(value)
  return math.type(value) == "integer" and value >= 1 and value <= 1000000
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

local function total_cents(items)
  local total = 0
  for _, item in pairs(items) do total = total + item.quantity * item.price_cents end
  return total
end

-- The reason why nothing can be put into or taken out of an order, or nil.
local function closed(state)
  if state.status == "new" then return "the order has not been placed" end
  if state.status ~= "open" then return ("the order is %s, its items are settled"):format(state.status) end
end

local decide = {}

function decide.PlaceOrder(command, state)
  if state.status ~= "new" then return refuse("the order has been placed already") end
  local customer = command.data.customer
  if not is_text(customer) then return refuse("an order needs a customer") end
  return { { event = "OrderPlaced", data = { number = command.key or command.decider_id, customer = customer } } }
end

function decide.AddItem(command, state)
  local reason = closed(state)
  if reason then return nil, reason end
  local item = command.data
  if not is_text(item.sku) then return refuse("an item needs a sku") end
  if not is_count(item.quantity) then return refuse("the quantity of %s must be 1 to 1000000", item.sku) end
  if not is_count(item.price_cents) then return refuse("the price of %s must be 1 to 1000000 cents", item.sku) end
  local known = state.items[item.sku]
  if known and known.price_cents ~= item.price_cents then
    return refuse("%s is in the order at %d cents, not at %d", item.sku, known.price_cents, item.price_cents)
  end
  return { {
    event = "ItemAdded",
    data = { sku = item.sku, quantity = item.quantity, price_cents = item.price_cents },
  } }
end

function decide.RemoveItem(command, state)
  local reason = closed(state)
  if reason then return nil, reason end
  local sku, quantity = command.data.sku, command.data.quantity
  local item = state.items[sku]
  if not item then return refuse("there is no %s in the order", tostring(sku)) end
  if not is_count(quantity) then return refuse("the quantity of %s must be 1 to 1000000", sku) end
  if quantity > item.quantity then return refuse("there are %d of %s, not %d", item.quantity, sku, quantity) end
  return { { event = "ItemRemoved", data = { sku = sku, quantity = quantity, price_cents = item.price_cents } } }
end

function decide.PayOrder(command, state)
  local reason = closed(state)
  if reason then return nil, reason end
  local total, paid = total_cents(state.items), command.data.amount_cents
  if total == 0 then return refuse("there is nothing to pay for") end
  if paid ~= total then return refuse("the order costs %d cents, not %s", total, tostring(paid)) end
  return { { event = "OrderPaid", data = { amount_cents = total } } }
end

function decide.ShipOrder(command, state)
  if state.status ~= "paid" then return refuse("only a paid order is shipped, this one is %s", state.status) end
  if not is_text(command.data.carrier) then return refuse("who carries the parcel?") end
  return { { event = "OrderShipped", data = { carrier = command.data.carrier, tracking = command.data.tracking } } }
end

-- Money that came in goes back with the same decision: both events are stored, or none.
function decide.CancelOrder(command, state)
  if state.status ~= "open" and state.status ~= "paid" then
    return refuse("an order that is %s cannot be cancelled", state.status)
  end
  local events = { { event = "OrderCancelled", data = { reason = command.data.reason } } }
  if state.status == "paid" then
    events[2] = { event = "PaymentRefunded", data = { amount_cents = total_cents(state.items) } }
  end
  return events
end

function decide.ArchiveOrder(_, state)
  if state.status ~= "shipped" and state.status ~= "cancelled" then
    return refuse("an order that is %s is not archived", state.status)
  end
  return { { event = "OrderArchived", data = {} } }
end

local function becomes(status)
  return function(state)
    state.status = status
    return state
  end
end

local evolve = {
  OrderPlaced = becomes("open"),
  OrderPaid = becomes("paid"),
  OrderShipped = becomes("shipped"),
  OrderCancelled = becomes("cancelled"),
  OrderArchived = becomes("archived"),
}

function evolve.ItemAdded(state, event)
  local added = event.data
  local item = state.items[added.sku] or { quantity = 0, price_cents = added.price_cents }
  item.quantity = item.quantity + added.quantity
  state.items[added.sku] = item
  return state
end

function evolve.ItemRemoved(state, event)
  local item = state.items[event.data.sku]
  item.quantity = item.quantity - event.data.quantity
  if item.quantity == 0 then state.items[event.data.sku] = nil end
  return state
end

function evolve.PaymentRefunded(state)
  return state
end

return fstore.decider {
  name = "Order",

  events = {
    OrderPlaced = "a customer opened an order",
    ItemAdded = "an item was put into the order",
    ItemRemoved = "an item was taken out of the order",
    OrderPaid = "the customer paid the whole amount",
    OrderShipped = "the parcel left the house",
    OrderCancelled = "the order was called off",
    PaymentRefunded = "the customer got the money back",
    OrderArchived = { description = "the order is closed for good", final = true },
  },

  initial_state = { status = "new", items = {} },
  decide = decide,
  evolve = evolve,
}
