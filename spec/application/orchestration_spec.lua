-- The command handler with a saga: events, and what follows from them, in one transaction.
local fstore = require "fstore"
local domain = require "spec.application.domain"
local database = require "spec.support.database"

local command, id, log = domain.command, domain.id, domain.log

describe("an orchestrating handler", function()
  local store, conninfo, handler

  lazy_setup(function() store, conninfo = domain.store() end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)
  before_each(function() handler = fstore.command_handler(store, domain.both, { saga = domain.booking }) end)

  local function pay(account, amounts, ledger, command_id)
    return command(account, "Pay", { amounts = amounts, ledger = ledger }, command_id)
  end

  it("stores what follows with what it follows from", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    local events = assert(handler:handle(pay(account, { 1, 2 }, ledger)))
    local names = {}
    for index, event in ipairs(events) do names[index] = event.event end
    assert.are.same({ "Paid", "Paid", "Booked", "Booked" }, names)
    assert.are.equal(ledger, events[3].decider_id)
    assert.are.equal("Ledger", events[3].decider)
    assert.are.equal(events[3].event_id, events[4].previous_id)
    assert.are.equal(fstore.uuid.v5(events[1].event_id, "1"), events[3].command_id)
    assert.are.same({ Account = { cents = 0 }, Ledger = { total = 3 } }, handler:state(ledger))
  end)

  it("stores nothing when one of the commands that follow is refused", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    local events, err = handler:handle(pay(account, { 60, 60 }, ledger))
    assert.is_nil(events)
    assert.are.equal("refused", err.kind)
    assert.are.equal("the ledger is full", err.message)
    assert.are.equal("Book of saga booking, in reaction to Paid", err.detail)
    assert.are.equal("Opened", log(store, "Account", account))
    assert.are.equal("", log(store, "Ledger", ledger))
    assert(handler:handle(pay(account, { 60 }, ledger)))
    assert.are.equal(60, handler:state(account).Account.cents)
  end)

  it("handles many, each as a whole", function()
    local account, ledger = id(), id()
    local outcomes = handler:handle_many {
      command(account, "Open"), pay(account, { 40 }, ledger), pay(account, { 70 }, ledger),
      pay(account, { 60 }, ledger), pay(account, { 1 }, ledger), pay(account, { 1 }),
    }
    local kinds = {}
    for index, outcome in ipairs(outcomes) do kinds[index] = outcome.error and outcome.error.kind or #outcome.events end
    assert.are.same({ 1, 2, "refused", 2, "refused", 1 }, kinds)
    assert.are.equal("Opened Paid Paid Paid", log(store, "Account", account))
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
    assert.are.equal(101, handler:state(account).Account.cents)
  end)

  it("touches more streams in a command than it keeps states in memory", function()
    local account = id()
    local small = fstore.command_handler(store, domain.both, { saga = fstore.saga {
      name = "spreading",
      react = { Paid = function(event)
        local list = {}
        for index = 1, 20 do
          local ledger = ("%s-%d"):format(event.decider_id, index % 7)
          list[index] = { command = "Book", decider_id = ledger, data = { cents = 1 } }
        end
        return list
      end },
    }, cache = 1 })
    assert(small:handle(command(account, "Open")))
    for _ = 1, 2 do assert.are.equal(21, #assert(small:handle(pay(account, { 1 })))) end
  end)

  it("answers a repetition with all the events, of every stream, in order", function()
    local account, ledger, command_id = id(), id(), id()
    assert(handler:handle(command(account, "Open")))
    local events = assert(handler:handle(pay(account, { 1, 2 }, ledger, command_id)))
    local again = assert(handler:handle(pay(account, { 1, 2 }, ledger, command_id)))
    assert.are.equal(4, #again)
    for index, event in ipairs(events) do assert.are.equal(event.event_id, again[index].event_id) end
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
  end)

  it("decides anew, as a whole, when another comes first in any of the streams", function()
    local account, ledger = id(), id()
    local other <close> = assert(fstore.connect(conninfo))
    local first = fstore.command_handler(other, domain.ledger)
    assert(handler:handle(command(account, "Open")))
    assert(handler:handle(pay(account, { 1 }, ledger))) -- now the state of the ledger is in memory
    assert(first:handle(command(ledger, "Book", { cents = 90 })))
    assert.are.equal("refused", select(2, handler:handle(pay(account, { 10 }, ledger))).kind)
    assert(handler:handle(pay(account, { 9 }, ledger)))
    assert.are.equal("Opened Paid Paid", log(store, "Account", account))
    assert.are.equal("Booked Booked Booked", log(store, "Ledger", ledger))
  end)

  it("ends when the saga goes on answering itself", function()
    local forever = fstore.command_handler(store, domain.both, { saga = fstore.saga {
      name = "forever",
      react = { Booked = function(event)
        return { { command = "Book", decider_id = event.decider_id, data = { cents = 0 } } }
      end },
    } })
    local ledger = id()
    local _, err = forever:handle(command(ledger, "Book", { cents = 0 }))
    assert.are.equal("script", err.kind)
    assert.matches("saga forever: Book led to more than 1000 commands", err.message)
    assert.are.equal("", log(store, "Ledger", ledger))
  end)

  it("reports a saga that issues what nobody takes, and stores nothing", function()
    local account = id()
    local lost = fstore.command_handler(store, domain.both, { saga = fstore.saga {
      name = "lost", react = { Opened = function() return { { command = "Lose", decider_id = "x" } } end },
    } })
    local _, err = lost:handle(command(account, "Open"))
    assert.are.equal("unknown_command", err.kind)
    assert.matches("Lose of saga lost", err.detail)
    assert.are.equal("", log(store, "Account", account))
  end)
end)
