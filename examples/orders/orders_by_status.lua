-- A read model in SQL: one row for each order, to be listed and summed up.
local fstore = require "fstore"

local function set_status(status)
  return function(event, db)
    return db:exec("update orders_by_status set status = $2, changed_at = $3 where order_id = $1",
      event.decider_id, status, event.created_at)
  end
end

local function change_items(sign)
  return function(event, db)
    local item = event.data
    return db:exec([[
      update orders_by_status
      set items = items + $2, total_cents = total_cents + $3, changed_at = $4
      where order_id = $1
    ]], event.decider_id, sign * item.quantity, sign * item.quantity * item.price_cents, event.created_at)
  end
end

return fstore.view {
  name = "orders_by_status",
  start_at = "-infinity",

  setup = [[
    create table if not exists orders_by_status (
      order_id uuid primary key,
      number text not null,
      customer text not null,
      status text not null,
      items bigint not null default 0,
      total_cents bigint not null default 0,
      changed_at timestamptz not null
    );
    create index if not exists orders_by_status_index on orders_by_status (status);
  ]],

  on = {
    OrderPlaced = function(event, db)
      return db:exec([[
        insert into orders_by_status (order_id, number, customer, status, changed_at)
        values ($1, $2, $3, 'open', $4)
      ]], event.decider_id, event.data.number, event.data.customer, event.created_at)
    end,
    ItemAdded = change_items(1),
    ItemRemoved = change_items(-1),
    OrderPaid = set_status("paid"),
    OrderShipped = set_status("shipped"),
    OrderCancelled = set_status("cancelled"),
    OrderArchived = set_status("archived"),
  },
}
