-- fstore-lua new and check: scripts to start from, and scripts looked at without a database.
local fstore = require "fstore"
local host = require "spec.support.host"
local server = require "spec.support.server"
local shell = require "spec.examples.shell"

describe("new", function()
  local folder

  before_each(function() folder = server.folder() end)
  after_each(server.sweep)

  for _, kind in ipairs { "decider", "view", "saga" } do
    it("writes a " .. kind .. " and a spec that passes", function()
      local result = host.run { "new", kind, folder .. "/ShoppingCart" }
      assert.are.equal(0, result.code, result.err)
      assert.matches("wrote .*/shopping_cart%.lua and .*/shopping_cart_spec%.lua", result.err)
      local script = assert(fstore.load(folder .. "/shopping_cart.lua"))
      assert.are.equal(kind == "decider" and "ShoppingCart" or "shopping_cart", script.name)
      local code, output = shell.run("lua5.4 /usr/bin/busted " .. folder .. "/shopping_cart_spec.lua")
      assert.are.equal(0, code, output)
      assert.matches("[23] passed, 0 failed", output)
    end)
  end

  it("overwrites nothing", function()
    assert.are.equal(0, host.run({ "new", "view", folder .. "/totals" }).code)
    local result = host.run { "new", "saga", folder .. "/totals" }
    assert.are.equal(2, result.code)
    assert.matches("totals%.lua exists already", result.err)
  end)

  it("wants a name that is one", function()
    for _, name in ipairs { "2nd", "a b", folder .. "/", "end" } do
      assert.are.equal(2, host.run({ "new", "decider", name }).code, name)
    end
    assert.are.equal(2, host.run({ "new", "decider", folder .. "/no/Thing" }).code)
    assert.are.equal(2, host.run({ "new", "thing", folder .. "/Thing" }).code)
  end)
end)

describe("check", function()
  it("says what scripts are, without a database", function()
    local result = host.run({ "check", "examples/restaurant/order.lua", "examples/restaurant/order_placement.lua",
      "examples/restaurant/order_view.lua" }, { db = "host=/nowhere" })
    assert.are.equal(0, result.code, result.err)
    local decider, saga, view = table.unpack(result:rows())
    assert.are.same({ "decider", "KitchenOrder" }, { decider.kind, decider.name })
    assert.are.same({ "CreateOrder", "MarkOrderPrepared" }, { table.unpack(decider.commands) })
    assert.are.same({ "OrderCreated", "OrderPrepared" }, { table.unpack(view.events) })
    assert.are.same({ "saga", "examples/restaurant/order_placement.lua" }, { saga.kind, saga.script })
  end)

  it("reports each script that is wrong, and the others all the same", function()
    local result = host.run {
      "check", "examples/restaurant/order.lua", "README.md", "examples/git_history/path_text.lua",
    }
    assert.are.equal(5, result.code)
    assert.are.equal(1, #result:rows())
    assert.matches("README.md", result.err)
    assert.matches("path_text%.lua: the script must return a decider, a view or a saga", result.err)
    assert.matches("2 of 3 scripts are wrong", result.err)
  end)
end)
