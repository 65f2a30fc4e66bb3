-- A saga run by the projector: its commands are handled exactly once, whatever happens on the way.
local fstore = require "fstore"
local domain = require "spec.application.domain"
local database = require "spec.support.database"

local command, id, log = domain.command, domain.id, domain.log

describe("the saga manager", function()
  local store, conninfo, handler, manager

  before_each(function()
    store, conninfo = domain.store()
    handler = fstore.command_handler(store, domain.account)
    manager = fstore.projector(store, domain.booking, { random = function() return 0 end })
    assert(manager:prepare())
  end)
  after_each(function()
    store:close()
    database.drop(conninfo)
  end)

  local function pay(account, amounts, ledger)
    return handler:handle(command(account, "Pay", { amounts = amounts, ledger = ledger }))
  end

  local function run()
    local all = { handled = 0, failures = {}, refusals = {} }
    repeat
      local step = assert(manager:step())
      all.handled = all.handled + step.handled
      table.move(step.failures, 1, #step.failures, #all.failures + 1, all.failures)
      table.move(step.refusals, 1, #step.refusals, #all.refusals + 1, all.refusals)
    until step.handled == 0
    return all
  end

  it("registers the deciders of its commands", function()
    assert.are.same({ { n = 4 } }, { store:exec("SELECT count(*) AS n FROM fstore.deciders")[1] })
  end)

  it("issues the commands that follow, once for each event", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    local events = assert(pay(account, { 1, 2 }, ledger))
    assert.are.equal(5, run().handled) -- those that it led to included
    local booked = store:read_events { decider = "Ledger" }
    assert.are.equal(2, #booked)
    assert.are.equal(fstore.uuid.v5(events[1].event_id, "1"), booked[1].command_id)
    assert.are.equal(0, run().handled)
  end)

  it("issues them once when events are delivered again", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    assert(pay(account, { 1, 2 }, ledger))
    -- The host dies between the commands and the ack.
    local ack = store.ack_events
    function store.ack_events() error("killed") end
    pcall(manager.step, manager)
    store.ack_events = nil
    assert.are.equal(ack, store.ack_events)
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
    assert(store:exec("UPDATE fstore.locks SET locked_until = now() - interval '1 s'"))
    assert.are.equal(5, run().handled)
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
  end)

  it("issues them once when the saga is replayed from the beginning", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    assert(pay(account, { 1, 2 }, ledger))
    run()
    assert(store:exec("UPDATE fstore.locks SET last_offset = 0, leased_offset = 0"))
    assert.is_true(run().handled >= 3)
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
  end)

  it("goes on when the domain refuses, and says so", function()
    local account, ledger = id(), id()
    assert(handler:handle(command(account, "Open")))
    assert(pay(account, { 60, 70, 30, 80 }, ledger))
    local step = run()
    assert.are.equal(7, step.handled)
    assert.are.same({}, step.failures)
    assert.are.equal(2, #step.refusals)
    assert.are.equal(70, step.refusals[1].event.data.cents)
    assert.are.equal("Book", step.refusals[1].command.command)
    assert.are.equal("the ledger is full", step.refusals[1].error.message)
    assert.are.equal("Booked Booked", log(store, "Ledger", ledger))
  end)

  it("holds up the partition of an event that fails, and no other", function()
    local fails = fstore.saga {
      name = "failing", start_at = "-infinity", decider = domain.both,
      react = { Paid = function(event)
        if event.data.cents == 13 then error("bad luck") end
        return { { command = "Book", decider_id = event.data.ledger, data = { cents = event.data.cents } } }
      end },
    }
    manager = fstore.projector(store, fails, { random = function() return 0 end })
    assert(manager:prepare())
    local unlucky, lucky, ledger, other = id(), id(), id(), id()
    for _, account in ipairs { unlucky, lucky } do assert(handler:handle(command(account, "Open"))) end
    assert(pay(unlucky, { 1, 13, 2 }, ledger))
    assert(pay(lucky, { 3, 4 }, other))
    local step = assert(manager:step())
    assert.are.equal(1, #step.failures)
    assert.are.equal(13, step.failures[1].event.data.cents)
    assert.matches("saga_manager_spec%.lua:%d+: bad luck", step.failures[1].error.message)
    run()
    assert.are.equal("Booked", log(store, "Ledger", ledger))
    assert.are.equal("Booked Booked", log(store, "Ledger", other))
  end)

  it("needs a decider to handle the commands", function()
    assert.error_matches(function() fstore.projector(store, fstore.saga { name = "s", react = {} }) end,
      "saga s names no decider")
  end)
end)
