-- fstore.testing itself: what passes, what fails, and how a failure reads.
local fstore = require "fstore"
local testing = require "fstore.testing"

-- Runs a check that must fail; returns its message without the place, which must be in this file.
local function failure_of(check)
  local ok, message = pcall(check)
  assert.is_false(ok, "it passed")
  local place, text = tostring(message):match("^(%S+:%d+): (.*)$")
  assert.matches("^spec/testing/scenario_spec%.lua:", place)
  return text
end

local given = testing.given

local account = fstore.decider {
  name = "Account",
  events = {
    Opened = "an account was opened", Closed = { description = "it was closed", final = true },
    Paid = {
      description = "money came in", version = 2, upcast = { function(data) return { cents = data.euros * 100 } end },
    },
  },
  initial_state = { status = "new", cents = 0 },
  decide = {
    Open = function(_, state)
      if state.status ~= "new" then return nil, "it is open already" end
      return { { event = "Opened" } }
    end,
    Pay = function(command, state)
      if state.status ~= "open" then return nil, { code = "closed" } end
      if command.data.cents == 0 then return {} end
      return { { event = "Paid", data = { cents = command.data.cents } } }
    end,
    Close = function() return { { event = "Closed" } } end,
  },
  evolve = {
    Opened = function(state) return { status = "open", cents = state.cents } end,
    Paid = function(state, event) return { status = "open", cents = state.cents + event.data.cents } end,
    Closed = function() return { status = "closed", cents = 0 } end,
  },
}
local e, c = testing.events(account), testing.commands(account)

describe("given, when, then of a decider", function()
  it("passes what is so", function()
    given(account):when(c.Open()):then_events(e.Opened()):then_state { status = "open", cents = 0 }
    given(account, e.Opened()):when(c.Pay { cents = 5 }):then_events(e.Paid { cents = 5 })
    given(account, e.Opened()):when(c.Pay { cents = 0 }):then_nothing()
    given(account, e.Opened()):when(c.Open()):then_refused "open already"
    given(account):when(c.Pay { cents = 5 }):then_refused { code = "closed" }
    given(account):when(c.Pay { cents = 5 }):then_refused()
    given(account, e.Opened(), e.Paid { cents = 7 }):then_state { status = "open", cents = 7 }
  end)

  it("goes on from command to command", function()
    given(account):when(c.Open()):when(c.Pay { cents = 5 }):when(c.Pay { cents = 6 }):then_events(e.Paid { cents = 6 })
      :then_state { status = "open", cents = 11 }
  end)

  it("takes plain tables for words, and old versions of events", function()
    given(account, { event = "Opened" }, { event = "Paid", event_version = 1, data = { euros = 2 } })
      :when({ command = "Pay", data = { cents = 1 } })
      :then_events({ event = "Paid", data = { cents = 1 } })
      :then_state { status = "open", cents = 201 }
    given(account, e.Opened(), e.Paid({ euros = 2 }, { event_version = 1 })):then_state { status = "open", cents = 200 }
  end)

  it("shows what is different, line by line", function()
    local text = failure_of(function()
      given(account, e.Opened()):when(c.Pay { cents = 5 }):then_events(e.Opened(), e.Paid { cents = 6 })
    end)
    assert.are.equal([[
the events differ (- expected, + actual):
    [
      {
  -     "data": {},
  -     "event": "Opened"
  -   },
  -   {
        "data": {
  -       "cents": 6
  +       "cents": 5
        },
        "event": "Paid"
      }
    ] ]], text .. " ")
    text = failure_of(function() given(account, e.Opened()):then_state { status = "open", cents = 1.0 } end)
    assert.matches('  %- +"cents": 1%.0,\n  %+ +"cents": 0,', text)
  end)

  it("says when a command was refused, or was not", function()
    assert.are.equal('Open was refused: "it is open already"', failure_of(function()
      given(account, e.Opened()):when(c.Open()):then_events(e.Opened())
    end))
    assert.matches("^Open was not refused, it led to:\n", failure_of(function()
      given(account):when(c.Open()):then_refused "already"
    end))
    assert.matches('the reason differs .*\n  %- "closed"\n  %+ "it is open already"', failure_of(function()
      given(account, e.Opened()):when(c.Open()):then_refused "closed"
    end))
    assert.are.equal("there was no command: say `when` first", failure_of(function() given(account):then_nothing() end))
  end)

  it("knows the words", function()
    assert.are.equal("Openned is no event of decider Account", failure_of(function() e.Openned() end))
    assert.are.equal("Opne is no command of decider Account", failure_of(function() c.Opne() end))
    assert.matches("knows no command Opne: it knows Close, Open, Pay", failure_of(function()
      given(account):when { command = "Opne" }
    end))
    assert.matches("Openned is not declared", failure_of(function() given(account, { event = "Openned" }) end))
    assert.matches("Opened: data.f: function is no JSON", failure_of(function()
      given(account, e.Opened { f = print })
    end))
  end)

  describe("catches", function()
    local function wrong(decide, evolve)
      return fstore.decider {
        name = "Wrong", events = { Done = "done" }, initial_state = { list = {} },
        decide = { Do = decide }, evolve = { Done = evolve or function(state) return state end },
      }
    end

    it("a decide that changes the state", function()
      local decider = wrong(function(_, state)
        state.list[1] = "x"
        return {}
      end)
      assert.matches("decide changed the state, on Do", failure_of(function()
        given(decider):when { command = "Do" }
      end))
    end)

    it("a decide that does not always decide the same", function()
      local n = 0
      local decider = wrong(function()
        n = n + 1
        return { { event = "Done", data = { n = n } } }
      end)
      assert.matches("decide is not pure: twice the same Do", failure_of(function()
        given(decider):when { command = "Do" }
      end))
    end)

    it("an evolve that does not always make the same state", function()
      local n = 0
      local decider = wrong(function() return { { event = "Done" } } end, function()
        n = n + 1
        return { n = n }
      end)
      assert.matches("evolve is not pure: twice the same Done", failure_of(function()
        given(decider):when { command = "Do" }
      end))
    end)

    it("events and states that JSON cannot hold", function()
      local not_a_number = wrong(function() return { { event = "Done", data = { n = 0 / 0 } } } end)
      local _, message = pcall(function() given(not_a_number):when { command = "Do" } end)
      assert.matches("scenario_spec.lua:%d+: decide.Do: event 1, Done: data.n: NaN is no JSON", message)
      local a_function = wrong(function() return { { event = "Done" } } end, function() return { f = print } end)
      _, message = pcall(function() given(a_function):when { command = "Do" } end)
      assert.matches("state after Done: state.f: function is no JSON", message)
    end)
  end)
end)

describe("given, then of a view", function()
  local by_owner = fstore.view {
    name = "by_owner", decider = account, initial_state = { cents = 0 },
    key = function(event) return event.data.owner end,
    evolve = {
      Paid = function(document, event) return { cents = document.cents + event.data.cents, at = event.created_at } end,
      Closed = function() return nil end,
    },
  }
  local at = { created_at = "2026-01-01T00:00:00.000000Z" }

  it("folds events into their documents", function()
    given(by_owner, e.Paid({ owner = "Ada", cents = 5 }, at), e.Paid({ owner = "Bob", cents = 1 }, at))
      :when(e.Paid({ owner = "Ada", cents = 2 }, at))
      :then_documents { Ada = { cents = 7, at = at.created_at }, Bob = { cents = 1, at = at.created_at } }
    given(by_owner, e.Paid { owner = "Ada", cents = 5 }, e.Closed { owner = "Ada" }):then_document(nil)
    given(by_owner, e.Opened()):then_documents {}
  end)

  it("shows what is different", function()
    assert.matches("the document differs .*\n  %- nothing\n  %+ {", failure_of(function()
      given(by_owner, e.Paid { owner = "Ada", cents = 5 }):then_document(nil)
    end))
    assert.matches("say then_documents", failure_of(function()
      given(by_owner, e.Paid { owner = "Ada", cents = 5 }, e.Paid { owner = "Bob", cents = 5 }):then_document {}
    end))
  end)

  it("leaves views that write SQL to a database", function()
    assert.matches("view v writes SQL", failure_of(function() given(fstore.view { name = "v", on = {} }) end))
  end)
end)

describe("when, then of a saga", function()
  local saga = fstore.saga {
    name = "closing", decider = account,
    react = { Paid = function(event)
      if event.data.cents > 100 then return { { command = "Close", decider_id = event.decider_id } } end
    end },
  }

  it("passes what is so, and shows what is not", function()
    given(saga):when(e.Paid { cents = 101 }):then_commands(c.Close({}, testing.decider_id))
    given(saga):when(e.Paid({ cents = 101 }, "Ada")):then_commands(c.Close(nil, fstore.decider_id("Account", "Ada")))
    given(saga):when(e.Paid { cents = 100 }):then_nothing()
    given(saga):when(e.Paid({ euros = 2 }, { event_version = 1 })):then_commands(c.Close({}, testing.decider_id))
    assert.matches('the commands differ .*\n  %- {}\n  %+ %[', failure_of(function()
      given(saga):when(e.Paid { cents = 101 }):then_nothing()
    end))
  end)

  it("remembers nothing", function()
    assert.matches("give it its event with `when`", failure_of(function() given(saga, e.Opened()) end))
    assert.matches("say `when` first", failure_of(function() given(saga):then_nothing() end))
  end)
end)

it("testing needs no framework", function()
  local shell = require "spec.examples.shell"
  local code, output, messages = shell.run([[lua5.4 -e '
    package.path, package.cpath = "lua/?.lua;lua/?/init.lua;" .. package.path, "build/lib/?.so;" .. package.cpath
    local testing = require "fstore.testing"
    local order = testing.load "examples/restaurant/order.lua"
    local c, e = testing.commands(order), testing.events(order)
    testing.given(order):when(c.CreateOrder()):then_events(e.OrderCreated())
    testing.given(order):when(c.CreateOrder()):then_nothing()
  ']])
  assert.are.equal(1, code)
  assert.are.equal("", output)
  assert.matches("%(command line%):7: the events differ", messages)
end)
