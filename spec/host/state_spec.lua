-- `fstore-lua state`: the fold of one stream.
local database = require "spec.support.database"
local host = require "spec.support.host"
local ids = require "fstore.ids"

local COUNTER <const> = "spec/host/scripts/counter.lua"

describe("state", function()
  local db
  setup(function()
    db = database.fresh()
    host.run({ "handle", COUNTER }, { db = db, input = host.commands(
      { decider_id = "a", command = "Add", data = { n = 2 } },
      { decider_id = "a", command = "Add", data = { n = 5 } }) })
  end)

  it("prints what the events make of a decider, by key or by UUID of either case", function()
    local id = ids.decider_id("Counter", "a")
    for _, name in ipairs { "a", id, id:upper() } do
      local result = host.run({ "state", COUNTER, name }, { db = db })
      assert.equal(0, result.code)
      assert.equal("", result.err)
      assert.same({ { sum = 7, count = 2 } }, result:rows())
    end
  end)

  it("says that there are no events, and prints the initial state", function()
    local result = host.run({ "state", COUNTER, "b" }, { db = db })
    assert.equal(0, result.code)
    assert.equal("Counter b has no events\n", result.err)
    assert.same({ { sum = 0, count = 0 } }, result:rows())
  end)

  it("names file and line of a fold that fails", function()
    local path = host.file("folds_badly.lua", [[
      return require "fstore".decider { name = "Counter", events = { Added = "added" }, initial_state = {}, decide = {},
        evolve = { Added = function() error("cannot fold this") end } }]])
    local result = host.run({ "state", path, "a" }, { db = db })
    assert.equal(5, result.code)
    assert.matches("^fstore%-lua: [^\n]*folds_badly%.lua:2: cannot fold this\n", result.err)
  end)

  it("says that a state holds what JSON cannot", function()
    local path = host.file("odd_state.lua", [[
      return require "fstore".decider {
        name = "Odd", events = {}, initial_state = { f = print }, decide = {}, evolve = {} }]])
    local result = host.run({ "state", path, "a" }, { db = db })
    assert.equal(5, result.code)
    assert.matches("f: function", result.err)
  end)
end)
