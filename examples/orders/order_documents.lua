-- A read model of documents: what a customer sees of an order, as one JSON value. It goes when the order is archived.
local fstore = require "fstore"

-- Adds a line to the order's story.
local function tell(document, event, text)
  table.insert(document.story, { at = event.created_at, text = text })
  return document
end

local function change_quantity(document, sku, quantity, price_cents)
  local line = document.lines[sku] or { quantity = 0, price_cents = price_cents }
  line.quantity = line.quantity + quantity
  document.lines[sku] = line.quantity > 0 and line or nil
  document.total_cents = document.total_cents + quantity * price_cents
end

local evolve = {}

function evolve.OrderPlaced(document, event)
  document.number, document.customer = event.data.number, event.data.customer
  return tell(document, event, "placed")
end

function evolve.ItemAdded(document, event)
  local item = event.data
  change_quantity(document, item.sku, item.quantity, item.price_cents)
  return tell(document, event, ("%d × %s added"):format(item.quantity, item.sku))
end

function evolve.ItemRemoved(document, event)
  local item = event.data
  change_quantity(document, item.sku, -item.quantity, item.price_cents)
  return tell(document, event, ("%d × %s removed"):format(item.quantity, item.sku))
end

function evolve.OrderPaid(document, event)
  return tell(document, event, "paid")
end

function evolve.OrderShipped(document, event)
  document.parcel = { carrier = event.data.carrier, tracking = event.data.tracking }
  return tell(document, event, "shipped with " .. event.data.carrier)
end

function evolve.OrderCancelled(document, event)
  return tell(document, event, "cancelled")
end

function evolve.PaymentRefunded(document, event)
  return tell(document, event, "money refunded")
end

function evolve.OrderArchived()
  return nil
end

return fstore.view {
  name = "order_documents",
  start_at = "-infinity",
  table = "order_documents",
  key = function(event) return event.decider_id end,
  initial_state = { lines = {}, story = fstore.json.array {}, total_cents = 0 },
  evolve = evolve,
}
