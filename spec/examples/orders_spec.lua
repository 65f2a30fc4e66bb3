-- The domain of the orders example without a database, then the whole example through the host.
local shell = require "spec.examples.shell"

local FOLDER = "examples/orders/"
local HANDLE = ("handle --keep-going %sorder.lua < %scommands.ndjson"):format(FOLDER, FOLDER)
local PROJECT = ("project --once %sorders_by_status.lua %sorder_documents.lua"):format(FOLDER, FOLDER)

local function load_script(name)
  return assert(loadfile(FOLDER .. name))()
end

local function event(name, data)
  return { event = name, event_version = 1, data = data or {} }
end

-- Given events, when a command comes: what the decider answers, as names and data.
local function given(decider, ...)
  local state = decider:initial()
  for _, happened in ipairs { ... } do state = decider:evolve(state, happened) end
  local scenario = {}

  function scenario.when(name, data)
    local command = { command = name, data = data, decider_id = "some id", key = "order-1" }
    local events, reason = decider:decide(command, state)
    for index, decided in ipairs(events or {}) do events[index] = event(decided.event, decided.data) end
    return events, reason
  end

  return scenario
end

describe("an order", function()
  local order = load_script("order.lua")
  local placed = event("OrderPlaced", { number = "order-1", customer = "Ada" })
  local two_pens = event("ItemAdded", { sku = "pen", quantity = 2, price_cents = 150 })
  local paid = event("OrderPaid", { amount_cents = 300 })
  local shipped = event("OrderShipped", { carrier = "DHL" })
  local cancelled = event("OrderCancelled")

  local function accepts(events, ...)
    assert.are.same({ ... }, events)
  end

  local function refuses(pattern, events, reason)
    assert.is_nil(events)
    assert.matches(pattern, reason)
  end

  it("is placed once, for a customer", function()
    accepts(given(order).when("PlaceOrder", { customer = "Ada" }), placed)
    refuses("customer", given(order).when("PlaceOrder", {}))
    refuses("already", given(order, placed).when("PlaceOrder", { customer = "Ada" }))
  end)

  it("takes items while it is open", function()
    accepts(given(order, placed).when("AddItem", two_pens.data), two_pens)
    refuses("not been placed", given(order).when("AddItem", two_pens.data))
    refuses("is paid", given(order, placed, two_pens, paid).when("AddItem", two_pens.data))
    refuses("is cancelled", given(order, placed, cancelled).when("AddItem", two_pens.data))
  end)

  it("refuses items that make no sense", function()
    local open = given(order, placed, two_pens)
    refuses("sku", open.when("AddItem", { quantity = 1, price_cents = 1 }))
    refuses("quantity of ink", open.when("AddItem", { sku = "ink", quantity = 0, price_cents = 1 }))
    refuses("quantity of ink", open.when("AddItem", { sku = "ink", quantity = "two", price_cents = 1 }))
    refuses("price of ink", open.when("AddItem", { sku = "ink", quantity = 1, price_cents = 1.5 }))
    refuses("150 cents, not at 200", open.when("AddItem", { sku = "pen", quantity = 1, price_cents = 200 }))
  end)

  it("gives back only what is in it", function()
    local open = given(order, placed, two_pens)
    accepts(open.when("RemoveItem", { sku = "pen", quantity = 1 }),
      event("ItemRemoved", { sku = "pen", quantity = 1, price_cents = 150 }))
    refuses("no ink", open.when("RemoveItem", { sku = "ink", quantity = 1 }))
    refuses("there are 2 of pen, not 3", open.when("RemoveItem", { sku = "pen", quantity = 3 }))
  end)

  it("is paid as a whole", function()
    accepts(given(order, placed, two_pens).when("PayOrder", { amount_cents = 300 }), paid)
    refuses("costs 300 cents, not 299", given(order, placed, two_pens).when("PayOrder", { amount_cents = 299 }))
    refuses("costs 300 cents, not nil", given(order, placed, two_pens).when("PayOrder", {}))
    refuses("nothing to pay", given(order, placed).when("PayOrder", { amount_cents = 0 }))
    local emptied = given(order, placed, two_pens, event("ItemRemoved", two_pens.data))
    refuses("nothing to pay", emptied.when("PayOrder", { amount_cents = 300 }))
  end)

  it("is shipped when it is paid", function()
    accepts(given(order, placed, two_pens, paid).when("ShipOrder", { carrier = "DHL" }), shipped)
    refuses("is open", given(order, placed, two_pens).when("ShipOrder", { carrier = "DHL" }))
    refuses("who carries", given(order, placed, two_pens, paid).when("ShipOrder", {}))
  end)

  it("refunds a paid order that is cancelled", function()
    accepts(given(order, placed, two_pens).when("CancelOrder", {}), cancelled)
    accepts(given(order, placed, two_pens, paid).when("CancelOrder", {}),
      cancelled, event("PaymentRefunded", { amount_cents = 300 }))
    refuses("is shipped", given(order, placed, two_pens, paid, shipped).when("CancelOrder", {}))
  end)

  it("is archived at its end", function()
    accepts(given(order, placed, two_pens, paid, shipped).when("ArchiveOrder", {}), event("OrderArchived"))
    accepts(given(order, placed, cancelled).when("ArchiveOrder", {}), event("OrderArchived"))
    refuses("is open", given(order, placed).when("ArchiveOrder", {}))
  end)
end)

describe("the orders example", function()
  local folder, host

  lazy_setup(function()
    folder = shell.folder()
    host = ("%s --data-dir %s/data "):format(shell.fstore, shell.quote(folder))
  end)

  lazy_teardown(function()
    shell.run(host .. "db destroy --yes")
    shell.remove(folder)
  end)

  local function run(arguments)
    return shell.run(host .. arguments)
  end

  local function query(sql)
    local code, output, messages = run("db psql -XAtq -F ' ' -c " .. shell.quote(sql))
    assert.are.equal(0, code, messages)
    return output
  end

  it("stores what the domain accepts and reports what it refuses", function()
    assert.are.equal(0, (run("init")))
    local code, output, messages = run(HANDLE)
    assert.are.equal(1, code, messages)
    local _, events = output:gsub("\n", "")
    assert.are.equal(29, events)
    for _, line in ipairs { 9, 12, 14, 15, 22, 26, 28, 31, 36 } do
      assert.matches("%f[%d]" .. line .. "%f[%D]", messages)
    end
  end)

  it("projects one row for each order", function()
    local code, _, messages = run(PROJECT)
    assert.are.equal(0, code, messages)
    assert.are.equal([[
order-1001 archived 4 4350
order-1002 paid 2 9990
order-1003 open 1 12900
order-1004 cancelled 10 4200
order-1005 archived 1 24900
order-1006 open 4 35600
order-1007 shipped 3 8700
order-1008 open 0 0
]], query("select number, status, items, total_cents from orders_by_status order by number"))
  end)

  it("keeps a document for each order that is not archived", function()
    assert.are.equal("1002 1003 1004 1006 1007 1008\n",
      query("select string_agg(substr(document->>'number', 7), ' ' order by document->>'number') from order_documents"))
    assert.are.equal('{"pen": {"quantity": 4}}\n', (query [[
      select jsonb_build_object('pen', jsonb_build_object('quantity', document->'lines'->'chair'->'quantity'))
      from order_documents where document->>'number' = 'order-1006'
    ]]))
  end)

  it("has nothing more to project afterwards", function()
    local before = query("select number, changed_at from orders_by_status order by number")
    assert.are.equal(0, (run(PROJECT)))
    assert.are.equal(before, query("select number, changed_at from orders_by_status order by number"))
  end)
end)
