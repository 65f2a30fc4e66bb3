local fstore = require "fstore"
local raises = require "spec.support.raises"

local function reacting(returned, decider)
  return fstore.saga { name = "s", decider = decider, react = { Done = function() return returned end } }
end

local DONE <const> = { event = "Done", data = {} }

describe("a saga", function()
  it("issues commands, or none", function()
    local saga = reacting {
      { command = "Do", decider_id = "key", data = { n = 1 } }, { command = "Do", decider_id = "b" },
    }
    assert.are.same({
      { command = "Do", decider_id = "key", data = { n = 1 } }, { command = "Do", decider_id = "b", data = {} },
    }, saga:react(DONE))
    assert.are.same({}, saga:react { event = "Other" })
    assert.are.same({}, reacting(nil):react(DONE))
    assert.are.same({}, reacting({}):react(DONE))
  end)

  it("can be written as one function", function()
    local saga = fstore.saga {
      name = "s", events = { "A", "B" },
      react = function(event) return { { command = "Do" .. event.event, decider_id = "x" } } end,
    }
    assert.are.equal("DoB", saga:react({ event = "B" })[1].command)
    assert.are.same({}, saga:react { event = "C" })
  end)

  it("that is wrong is named with file, line and place", function()
    local function fails(returned, pattern, decider)
      raises(function() reacting(returned, decider):react(DONE) end,
        "spec/model/saga_spec%.lua:%d+: react%.Done" .. pattern)
    end
    fails("Do", " returned a string: return a list of commands")
    fails({ command = "Do" }, " returned a table that is no list")
    fails({ {} }, ": command 1 is not { command = NAME")
    fails({ { command = "Do" } }, ": command 1, Do: decider_id must be a string")
    fails({ { command = "Do", decider_id = "x", data = { f = print } } },
      ": command 1, Do: data%.f: function is no JSON")
    local decider = fstore.decider { name = "D", events = {}, initial_state = {}, decide = {}, evolve = {} }
    fails({ { command = "Do", decider_id = "x" } }, ": command 1: decider D knows no command Do", decider)
  end)

  it("combined with another needs the deciders of both", function()
    local function decider(name)
      return fstore.decider {
        name = name, events = {}, initial_state = {}, evolve = {},
        decide = { ["Do" .. name] = function() return {} end },
      }
    end
    local a, b = decider "A", decider "B"
    local both = fstore.combine(reacting(nil, a), reacting(nil, fstore.combine(a, b)))
    assert.are.equal("A", both.decider:owner { command = "DoA" })
    assert.are.equal("B", both.decider:owner { command = "DoB" })
    assert.are.equal(a, fstore.combine(reacting(nil, a), reacting(nil)).decider)
    assert.is_nil(fstore.combine(reacting(nil), reacting(nil)).decider)
  end)
end)
