-- The restaurant example: its domain without a database, then the whole example through the host.
local shell = require "spec.examples.shell"
local testing = require "fstore.testing"

local FOLDER <const> = "examples/restaurant/"

local given = testing.given
local menu = { soup = 550, cake = 420 }
local two_soups = { order_id = "order-1", items = { { dish = "soup", quantity = 2 } } }

describe("a restaurant", function()
  local restaurant = testing.load(FOLDER .. "restaurant.lua")
  local e, c = testing.events(restaurant), testing.commands(restaurant)
  local created = e.RestaurantCreated { name = "Trattoria", menu = menu }

  it("is created once, with a name and a menu", function()
    given(restaurant):when(c.CreateRestaurant { name = "Trattoria", menu = menu }):then_events(created)
    given(restaurant, created):when(c.CreateRestaurant { name = "Pizzeria", menu = menu }):then_refused "exists already"
    given(restaurant):when(c.CreateRestaurant { menu = menu }):then_refused "needs a name"
    given(restaurant):when(c.CreateRestaurant { name = "Trattoria", menu = {} }):then_refused "at least one dish"
  end)

  it("changes its menu", function()
    given(restaurant, created):when(c.ChangeMenu { menu = { cake = 450 } })
      :then_events(e.MenuChanged { menu = { cake = 450 } })
      :then_state { status = "open", menu = { cake = 450 } }
    given(restaurant):when(c.ChangeMenu { menu = menu }):then_refused "does not exist"
    given(restaurant, created):when(c.ChangeMenu { menu = { soup = 1 } }):then_refused "soup must cost"
  end)

  it("takes orders of what is on the menu", function()
    given(restaurant, created):when(c.PlaceOrder(two_soups)):then_events(e.OrderPlacedAtRestaurant(two_soups))
    given(restaurant, created, e.MenuChanged { menu = { cake = 450 } }):when(c.PlaceOrder(two_soups))
      :then_refused "soup is not on the menu"
    given(restaurant):when(c.PlaceOrder(two_soups)):then_refused "does not exist"
    given(restaurant, created):when(c.PlaceOrder { order_id = "order-1", items = {} }):then_refused "needs items"
  end)

  it("keeps its status through any history", function()
    local counts = testing.histories(restaurant, {
      commands = {
        CreateRestaurant = function() return { name = "Trattoria", menu = menu } end,
        ChangeMenu = function(random) return { menu = { soup = random:integer(0, 20) * 100 } } end,
        PlaceOrder = function(random)
          local dish = random:one_of { "soup", "cake", "sushi" }
          return { order_id = "order-1", items = { { dish = dish, quantity = random:integer(0, 3) } } }
        end,
      },
      invariant = function(state, events)
        assert((state.status == "open") == (#events > 0))
      end,
    })
    assert.is_true(counts.accepted > 100)
  end)
end)

describe("an order in the kitchen", function()
  local order = testing.load(FOLDER .. "order.lua")
  local e, c = testing.events(order), testing.commands(order)

  it("is created once", function()
    given(order):when(c.CreateOrder(two_soups)):then_events(e.OrderCreated(two_soups))
    given(order, e.OrderCreated(two_soups)):when(c.CreateOrder(two_soups)):then_refused "exists already"
  end)

  it("is prepared, and that is its end", function()
    given(order, e.OrderCreated(two_soups)):when(c.MarkOrderPrepared()):then_events(e.OrderPrepared())
    given(order):when(c.MarkOrderPrepared()):then_refused "is new"
  end)
end)

describe("the placement of orders", function()
  local saga = testing.load(FOLDER .. "order_placement.lua")
  local e, c = testing.events(saga), testing.commands(saga)

  it("sends the kitchen what the restaurant took", function()
    local placed = e.OrderPlacedAtRestaurant(two_soups, "trattoria")
    given(saga):when(placed):then_commands(c.CreateOrder({
      order_id = "order-1", restaurant_id = placed.decider_id, items = two_soups.items,
    }, "order-1"))
  end)

  it("reads orders of the first version, which listed dishes", function()
    local listed = { order_id = "order-1", dishes = { "soup", "soup" } }
    local placed = e.OrderPlacedAtRestaurant(listed, { event_version = 1 })
    given(saga):when(placed):then_commands(c.CreateOrder({
      order_id = "order-1", restaurant_id = testing.decider_id, items = two_soups.items,
    }, "order-1"))
  end)

  it("leaves all other events alone", function()
    given(saga):when(e.MenuChanged { menu = menu }):then_nothing()
  end)
end)

describe("the views", function()
  it("show a guest the menu and what sells", function()
    local view = testing.load(FOLDER .. "restaurant_view.lua")
    local e = testing.events(view)
    given(view, e.RestaurantCreated { name = "Trattoria", menu = menu }, e.OrderPlacedAtRestaurant(two_soups),
      e.MenuChanged { menu = { cake = 450 } })
      :then_document { name = "Trattoria", menu = { cake = 450 }, dishes_sold = 2 }
  end)

  it("show the kitchen what is to be done", function()
    local view = testing.load(FOLDER .. "order_view.lua")
    local e = testing.events(view)
    local created = e.OrderCreated { order_id = "order-1", restaurant_id = "some id", items = two_soups.items }
    given(view, created, e.OrderPrepared())
      :then_document { order_id = "order-1", restaurant_id = "some id", items = two_soups.items, status = "prepared" }
  end)
end)

describe("the restaurant example", function()
  local folder, host

  lazy_setup(function()
    folder = shell.folder()
    host = ("%s --data-dir %s/data "):format(shell.fstore, shell.quote(folder))
  end)

  lazy_teardown(function()
    shell.run(host .. "db destroy --yes")
    shell.remove(folder)
  end)

  local function query(sql)
    local code, output, messages = shell.run(host .. "db psql -XAtq -F ' ' -c " .. shell.quote(sql))
    assert.are.equal(0, code, messages)
    return output
  end

  it("stores the kitchen's order with the restaurant's, or none of them", function()
    local code, output, messages = shell.run(("%shandle --keep-going %sorder_placement.lua < %scommands.ndjson"):format(
      host, FOLDER, FOLDER))
    assert.are.equal(1, code, messages)
    local names = {}
    for name in output:gmatch('{"event":"(%w+)"') do names[#names + 1] = name end
    assert.are.same({
      "RestaurantCreated", "OrderPlacedAtRestaurant", "OrderCreated", "MenuChanged", "OrderPlacedAtRestaurant",
      "OrderCreated", "OrderPrepared",
    }, names)
    assert.matches("line 3: refused: sushi is not on the menu", messages)
    assert.matches("line 7: refused: the order exists already", messages)
    assert.matches("CreateOrder of saga order_placement, in reaction to OrderPlacedAtRestaurant", messages)
    assert.matches("line 8: refused", messages)
  end)

  it("projects both views", function()
    local code, _, messages = shell.run(("%sproject --once %srestaurant_view.lua %sorder_view.lua"):format(
      host, FOLDER, FOLDER))
    assert.are.equal(0, code, messages)
    assert.are.equal("order-1 prepared\norder-2 created\n",
      query("select document->>'order_id', document->>'status' from fstore.order_view order by 1"))
    assert.are.equal("Trattoria 4\n",
      query("select document->>'name', document->>'dishes_sold' from fstore.restaurant_view"))
  end)

  it("lets the kitchen follow later, each order once", function()
    local place = [[handle %srestaurant.lua --id trattoria --command PlaceOrder --data ]]
    local data = [['{"order_id": "order-4", "items": [{"dish": "cake", "quantity": 1}]}']]
    assert.are.equal(0, (shell.run(host .. place:format(FOLDER) .. data)))
    for _ = 1, 2 do
      local code, _, messages = shell.run(("%sproject --once %sorder_placement.lua"):format(host, FOLDER))
      assert.are.equal(0, code, messages)
    end
    assert.are.equal("3\n", query("select count(*) from fstore.events where event = 'OrderCreated'"))
  end)
end)
