local fstore = require "fstore"
local random = require "fstore.testing.random"
local testing = require "fstore.testing"

-- A stock that forgets to check on the third withdrawal.
local function stock(checks)
  return fstore.decider {
    name = "Stock", events = { Stored = "goods came in", Taken = "goods went out" },
    initial_state = { level = 0, takes = 0 },
    decide = {
      Store = function(command) return { { event = "Stored", data = { amount = command.data.amount } } } end,
      Take = function(command, state)
        if command.data.amount > state.level and (checks or state.takes < 2) then return nil, "not so many" end
        return { { event = "Taken", data = { amount = command.data.amount } } }
      end,
    },
    evolve = {
      Stored = function(state, event) return { level = state.level + event.data.amount, takes = state.takes } end,
      Taken = function(state, event) return { level = state.level - event.data.amount, takes = state.takes + 1 } end,
    },
  }
end

local function amount(low, high)
  return function(dice) return { amount = dice:integer(low, high) } end
end

local OPTIONS <const> = {
  commands = { Store = amount(1, 9), Take = amount(1, 9) },
  invariant = function(state) return state.level >= 0, "the level is below zero" end,
}

describe("random histories", function()
  it("pass when what must hold does", function()
    local counts = testing.histories(stock(true), OPTIONS)
    assert.are.equal(100 * 20, counts.commands)
    assert.is_true(counts.accepted > 1000)
  end)

  it("show the shortest failing one", function()
    local ok, message = pcall(testing.histories, stock(false), OPTIONS)
    assert.is_false(ok)
    assert.matches("the level is below zero\nThe shortest history found that fails %(seed 1, history %d+%):\n", message)
    local numbers = {}
    for number in message:gmatch("\n  (%d+)%. ") do numbers[#numbers + 1] = number end
    assert.is_true(#numbers >= 4 and #numbers <= 5, message) -- one or two stored, two taken, the third too many
    assert.matches('Take {"amount":%d}\n     → Taken {"amount":%d}$', message)
  end)

  it("are the same for the same seed", function()
    local function message_of(seed)
      return select(2, pcall(testing.histories, stock(false),
        { commands = OPTIONS.commands, invariant = OPTIONS.invariant, seed = seed }))
    end
    assert.are.equal(message_of(7), message_of(7))
    assert.are_not.equal(message_of(7), message_of(8))
  end)

  it("catch an invariant that raises, and a decider that does", function()
    local ok, message = pcall(testing.histories, stock(true), {
      commands = OPTIONS.commands, invariant = function(_, events) assert(#events < 3, "three events") end,
    })
    assert.is_false(ok)
    assert.matches("three events\nThe shortest", message)
    ok, message = pcall(testing.histories, stock(true), {
      commands = { Take = function() return { amount = "x" } end },
    })
    assert.is_false(ok)
    assert.matches("histories_spec.lua:%d+: attempt to compare", message)
    assert.matches('  1%. Take {"amount":"x"}$', message)
  end)

  it("catch a state that is another when loaded: evolve kept an event's table and changed it", function()
    local decider = fstore.decider {
      name = "Basket", events = { Put = "put" }, initial_state = {},
      decide = { Put = function(command) return { { event = "Put", data = { item = command.data } } } end },
      evolve = { Put = function(state, event)
        state.total = (state.total or 0) + event.data.item.n
        event.data.item.n = 0
        return state
      end },
    }
    local ok, message = pcall(testing.histories, decider, { commands = { Put = function(dice)
      return { n = dice:integer(1, 3) }
    end } })
    assert.is_false(ok)
    assert.matches("evolve is not pure", message)
  end)

  it("want at least one command accepted", function()
    local ok, message = pcall(testing.histories, stock(true), { commands = { Take = amount(1, 9) } })
    assert.is_false(ok)
    assert.matches("none of 2000 commands was accepted", message)
  end)

  it("hand the state to those who draw, and skip what they leave out", function()
    local counts = testing.histories(stock(true), {
      commands = {
        Store = amount(1, 9),
        Take = function(dice, state)
          if state.level == 0 then return nil end
          return { amount = dice:integer(1, state.level) }
        end,
      },
    })
    assert.are.equal(counts.commands, counts.accepted)
  end)
end)

describe("dice", function()
  it("throw the same for the same seed, within the limits", function()
    local one, other, seen = random.new(3), random.new(3), {}
    for _ = 1, 1000 do
      local number = one:integer(-2, 2)
      assert.are.equal(number, other:integer(-2, 2))
      seen[number] = true
    end
    for number = -2, 2 do assert.is_true(seen[number]) end
    assert.is_nil(seen[3])
  end)
end)
