local fstore = require "fstore"
local domain = require "spec.application.domain"
local database = require "spec.support.database"

local command, id, log = domain.command, domain.id, domain.log

describe("the command handler", function()
  local store, conninfo, handler

  lazy_setup(function() store, conninfo = domain.store() end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)
  before_each(function() handler = fstore.command_handler(store, domain.account) end)

  it("takes business keys for ids", function()
    local events = assert(handler:handle(command("Ada's", "Open")))
    assert.are.equal(fstore.decider_id("Account", "Ada's"), events[1].decider_id)
    assert.are.equal("Ada", handler:state(events[1].decider_id).owner)
  end)

  it("leaves the caller's command as it is", function()
    local given = command("untouched", "Open")
    assert(handler:handle(given))
    assert.are.same(command("untouched", "Open"), given)
  end)

  it("raises for a command that is none", function()
    for pattern, given in pairs {
      ["command must be string"] = { decider_id = "x" }, ["decider_id must be string"] = { command = "Open" },
      ["command_id is no UUID"] = command("x", "Open", nil, "7"), ["command 1 must be table"] = "Open",
    } do
      assert.error_matches(function() handler:handle_many { given } end, pattern)
    end
  end)

  it("names the commands it knows", function()
    local _, err = handler:handle(command("x", "Opne"))
    assert.are.equal("unknown_command", err.kind)
    assert.are.equal("it knows: Break, Close, Open, Pay, Spoil", err.hint)
  end)

  it("stores what was decided, whatever evolve does to the tables afterwards", function()
    local keeps = fstore.decider {
      name = "Account", events = { Paid = "money came in" }, initial_state = {},
      decide = { Pay = function(given)
        return { { event = "Paid", data = { item = { cents = given.data.cents } } } }
      end },
      evolve = { Paid = function(state, event)
        if not state.item then return { item = event.data.item } end
        state.item.cents = state.item.cents + event.data.item.cents
        return state
      end },
    }
    local decider_id = id()
    local outcomes = fstore.command_handler(store, keeps):handle_many {
      command(decider_id, "Pay", { cents = 1 }), command(decider_id, "Pay", { cents = 2 }),
    }
    assert.are.equal(1, outcomes[1].events[1].data.item.cents)
    assert.are.equal(2, outcomes[2].events[1].data.item.cents)
    assert.are.equal(1, store:get_events(decider_id, "Account")().data.item.cents)
  end)

  describe("when the script is wrong", function()
    it("stores nothing of the command, and goes on with the next", function()
      local decider_id = id()
      local outcomes = handler:handle_many {
        command(decider_id, "Open"), command(decider_id, "Break"), command(decider_id, "Spoil"),
        command(decider_id, "Pay", { amounts = { 5 } }),
      }
      assert.is_not_nil(outcomes[1].events)
      assert.are.equal("script", outcomes[2].error.kind)
      assert.matches("domain%.lua:%d+: broken", outcomes[2].error.message)
      assert.are.equal("script", outcomes[3].error.kind)
      assert.matches("domain%.lua:%d+: state after Paid: state%.f: function is no JSON", outcomes[3].error.message)
      assert.are.equal(5, outcomes[4].events[1].data.cents)
      assert.are.equal("Opened Paid", log(store, "Account", decider_id))
      assert.are.equal(5, handler:state(decider_id).cents)
    end)

    it("fails on a stream that holds what the script does not know", function()
      local decider_id = id()
      assert(store:register_decider_event("Account", "Renamed", "later"))
      assert(store:append_event {
        decider = "Account", decider_id = decider_id, event = "Renamed", data = {}, command_id = id(),
      })
      local _, err = handler:handle(command(decider_id, "Open"))
      assert.are.equal("script", err.kind)
      assert.matches("does not declare the event Renamed", err.message)
    end)
  end)

  describe("given a command_id", function()
    it("handles the command once, and answers a repetition with its events", function()
      local decider_id, command_id = id(), id()
      assert(handler:handle(command(decider_id, "Open", nil, id())))
      local events = assert(handler:handle(command(decider_id, "Pay", { amounts = { 1, 2 } }, command_id)))
      for _, other in ipairs { handler, fstore.command_handler(store, domain.account) } do
        local outcome = other:handle_many({ command(decider_id, "Pay", { amounts = { 1, 2 } }, command_id:upper()) })[1]
        assert.is_true(outcome.repeated)
        assert.are.same({ events[1].event_id, events[2].event_id },
          { outcome.events[1].event_id, outcome.events[2].event_id })
        assert.are.equal(2, #outcome.events)
        assert.are.equal(events[2].offset, outcome.events[2].offset)
      end
      assert.are.equal("Opened Paid Paid", log(store, "Account", decider_id))
      assert.are.equal(3, handler:state(decider_id).cents)
    end)

    it("answers a repetition behind a final event", function()
      local decider_id, close = id(), id()
      assert(handler:handle(command(decider_id, "Close", nil, close)))
      assert.are.equal("Closed", assert(handler:handle(command(decider_id, "Close", nil, close)))[1].event)
      assert.are.equal("final", select(2, handler:handle(command(decider_id, "Close", nil, id()))).kind)
    end)

    it("answers repetitions within one set", function()
      local decider_id, open, pay = id(), id(), id()
      local list = {
        command(decider_id, "Open", nil, open), command(decider_id, "Open", nil, open),
        command(decider_id, "Pay", { amounts = { 1 } }, pay), command(decider_id, "Pay", { amounts = { 1 } }, pay),
        command(decider_id, "Pay", { amounts = { 1 } }),
      }
      local outcomes = handler:handle_many(list)
      for place, again in pairs { [1] = 2, [3] = 4 } do
        assert.is_nil(outcomes[place].repeated)
        assert.is_true(outcomes[again].repeated)
        assert.are.equal(outcomes[place].events[1].event_id, outcomes[again].events[1].event_id)
      end
      assert.are.equal("Opened Paid Paid", log(store, "Account", decider_id))
    end)

    it("refuses it for another command, other data or another decider", function()
      local decider_id, command_id = id(), id()
      assert(handler:handle(command(decider_id, "Open", { owner = "Ada" }, command_id)))
      for _, given in ipairs {
        command(decider_id, "Open", { owner = "Bob" }, command_id),
        command(decider_id, "Close", { owner = "Ada" }, command_id),
        command(id(), "Open", { owner = "Ada" }, command_id),
      } do
        local events, err = handler:handle(given)
        assert.is_nil(events)
        assert.are.equal("command_reused", err.kind)
      end
      assert.are.equal("Opened", log(store, "Account", decider_id))
    end)

    it("remembers a command that led to nothing", function()
      local decider_id, pay = id(), id()
      assert(handler:handle(command(decider_id, "Open")))
      assert.are.same({}, handler:handle(command(decider_id, "Pay", { amounts = {} }, pay)))
      local outcome = handler:handle_many({ command(decider_id, "Pay", { amounts = {} }, pay) })[1]
      assert.are.same({ events = {}, repeated = true }, outcome)
    end)

    it("decides a refused command again", function()
      local decider_id, pay = id(), id()
      assert.are.equal("refused", select(2, handler:handle(command(decider_id, "Pay", { amounts = { 1 } }, pay))).kind)
      assert(handler:handle(command(decider_id, "Open")))
      assert.are.equal(1, #assert(handler:handle(command(decider_id, "Pay", { amounts = { 1 } }, pay))))
    end)

    it("handles it once when two programs repeat it at the same moment", function()
      local decider_id, pay = id(), id()
      assert(handler:handle(command(decider_id, "Open")))
      local other <close> = assert(fstore.connect(conninfo))
      local first = fstore.command_handler(other, domain.account)
      local stored
      -- The other comes first, between our look at the handled commands and our append.
      local append = store.append_events
      function store.append_events(...)
        store.append_events = append
        stored = stored or assert(first:handle(command(decider_id, "Pay", { amounts = { 9 } }, pay)))
        return append(...)
      end
      local find = store.exec
      function store.exec(self, sql, ...)
        if sql:find("record_commands", 1, true) then
          store.exec = find
          stored = stored or assert(first:handle(command(decider_id, "Pay", { amounts = { 9 } }, pay)))
        end
        return find(self, sql, ...)
      end
      local outcome = handler:handle_many({ command(decider_id, "Pay", { amounts = { 9 } }, pay) })[1]
      store.append_events, store.exec = nil, nil
      assert.is_nil(outcome.error)
      assert.is_true(outcome.repeated)
      assert.are.equal(stored[1].event_id, outcome.events[1].event_id)
      assert.are.equal("Opened Paid", log(store, "Account", decider_id))
    end)

    it("records nothing when it has none", function()
      local function recorded()
        return store:exec("SELECT count(*) AS n FROM fstore.commands")[1].n
      end
      local before = recorded()
      assert(handler:handle(command(id(), "Open")))
      assert.are.equal(before, recorded())
    end)
  end)

  describe("inside a transaction", function()
    it("is part of it", function()
      local decider_id, open = id(), id()
      local _, err = store:transaction(function()
        assert(handler:handle(command(decider_id, "Open", nil, open)))
        assert(handler:handle(command(decider_id, "Pay", { amounts = { 1 } })))
        return nil, "no"
      end)
      assert.are.equal("no", err)
      assert.are.equal("", log(store, "Account", decider_id))
    end)

    it("decides again after a conflict, behind a savepoint", function()
      local decider_id = id()
      local other <close> = assert(fstore.connect(conninfo))
      local first = fstore.command_handler(other, domain.account)
      assert(handler:handle(command(decider_id, "Open")))
      local events = assert(store:transaction(function(tx)
        assert(first:handle(command(decider_id, "Pay", { amounts = { 1 } })))
        local handled = assert(handler:handle(command(decider_id, "Pay", { amounts = { 2 } })))
        assert(tx:exec("SELECT 1"))
        return handled
      end))
      assert.are.equal(2, events[1].data.cents)
      assert.are.equal(3, handler:state(decider_id).cents)
    end)
  end)
end)
