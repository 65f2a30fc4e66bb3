local fstore = require "fstore"
local domain = require "spec.application.domain"
local database = require "spec.support.database"

local command, id = domain.command, domain.id

describe("the state-stored handler", function()
  local store, conninfo, handler

  lazy_setup(function()
    store, conninfo = domain.store()
    assert(fstore.state_handler(store, domain.account, { table = "accounts" }):prepare())
  end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)
  before_each(function() handler = fstore.state_handler(store, domain.account, { table = "accounts" }) end)

  it("keeps a document with a version, and no events", function()
    assert(handler:prepare()) -- again
    local account = id()
    assert.are.same({ { cents = 0 }, 0 }, { handler:state(account) })
    assert.are.same({ { cents = 0, owner = "Ada" }, 1 }, { handler:handle(command(account, "Open")) })
    assert.are.same({ { cents = 3, owner = "Ada" }, 2 },
      { handler:handle(command(account, "Pay", { amounts = { 1, 2 } })) })
    assert.are.same({ { cents = 3, owner = "Ada" }, 2 }, { handler:state(account) })
    assert.are.equal("", domain.log(store))
  end)

  it("saves nothing when the command is refused, leads to nothing, or the script is wrong", function()
    local account = id()
    local _, err = handler:handle(command(account, "Pay", { amounts = { 1 } }))
    assert.are.equal("refused", err.kind)
    assert(handler:handle(command(account, "Open")))
    assert.are.equal(1, select(2, handler:handle(command(account, "Pay", { amounts = {} }))))
    _, err = handler:handle(command(account, "Break"))
    assert.are.equal("script", err.kind)
    _, err = handler:handle(command(account, "Spoil"))
    assert.matches("domain%.lua:%d+: state after Paid: state%.f: function is no JSON", err.message)
    assert.are.equal("unknown_command", select(2, handler:handle(command(account, "Opne"))).kind)
    assert.are.same({ { cents = 0, owner = "Ada" }, 1 }, { handler:state(account) })
  end)

  it("decides again when another came first, a bounded number of times", function()
    local account = id()
    assert(handler:handle(command(account, "Open")))
    local other <close> = assert(fstore.connect(conninfo))
    local first = fstore.state_handler(other, domain.account, { table = "accounts" })
    local times, exec = 0, store.exec
    function store.exec(self, sql, ...)
      if sql:find("WITH new", 1, true) and times > 0 then
        times = times - 1
        assert(first:handle(command(account, "Pay", { amounts = { 10 } })))
      end
      return exec(self, sql, ...)
    end
    times = 2
    assert.are.same({ { cents = 21, owner = "Ada" }, 4 },
      { handler:handle(command(account, "Pay", { amounts = { 1 } })) })
    times = 3
    local tired = fstore.state_handler(store, domain.account, { table = "accounts", attempts = 3 })
    local _, err = tired:handle(command(account, "Pay", { amounts = { 1 } }))
    store.exec = nil
    assert.are.equal("conflict", err.kind)
    assert.are.equal(51, handler:state(account).cents)
  end)

  it("handles a command once, by its command_id", function()
    local account, open, pay = id(), id(), id()
    assert(handler:handle(command(account, "Open", nil, open)))
    for _ = 1, 2 do
      assert.are.same({ { cents = 5, owner = "Ada" }, 2 },
        { handler:handle(command(account, "Pay", { amounts = { 5 } }, pay)) })
    end
    local _, err = handler:handle(command(account, "Pay", { amounts = { 6 } }, pay))
    assert.are.equal("command_reused", err.kind)
  end)

  it("with a saga saves all states that follow, or none", function()
    local both = fstore.state_handler(store, domain.both, { table = "books", saga = domain.booking })
    assert(both:prepare())
    local account, ledger = id(), id()
    assert(both:handle(command(account, "Open")))
    assert(both:handle(command(account, "Pay", { amounts = { 50, 1 }, ledger = ledger })))
    local _, err = both:handle(command(account, "Pay", { amounts = { 50 }, ledger = ledger }))
    assert.are.equal("refused", err.kind)
    assert.are.equal(51, both:state(ledger).Ledger.total)
    assert.are.equal(51, both:state(account).Account.cents)
  end)
end)

describe("the materialised view", function()
  local store, conninfo

  lazy_setup(function() store, conninfo = domain.store() end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)

  local balances = fstore.view {
    name = "balances", decider = domain.account, initial_state = { cents = 0 },
    evolve = {
      Paid = function(document, event) return { cents = document.cents + event.data.cents } end,
      Closed = function() return nil end,
    },
  }

  it("fetches, evolves and saves a document per key", function()
    local view = fstore.materialized_view(store, balances)
    assert(view:prepare())
    assert(view:prepare())
    local handler, account = fstore.command_handler(store, domain.account), id()
    assert(handler:handle(command(account, "Open")))
    assert(view:handle(assert(handler:handle(command(account, "Pay", { amounts = { 1, 2 } })))))
    assert(view:handle(assert(handler:handle(command(account, "Pay", { amounts = { 3 } })))))
    assert.are.same({ cents = 6 }, view:get(account))
    assert(view:handle(assert(handler:handle(command(account, "Close")))))
    assert.are.same({}, { view:get(account) })
  end)

  it("names file, line and path of what no document can hold", function()
    local wrong = fstore.view {
      name = "wrong", initial_state = {}, evolve = { Opened = function() return { list = { print } } end },
    }
    local view = fstore.materialized_view(store, wrong)
    assert(view:prepare())
    local events = assert(fstore.command_handler(store, domain.account):handle(command(id(), "Open")))
    local ok, err = pcall(view.handle, view, events)
    assert.is_false(ok)
    assert.matches("state_handler_spec%.lua:%d+: document .* after Opened: document%.list%[1%]: function is no JSON",
      err.message)
    assert.is_nil(view:get(events[1].decider_id))
  end)

  it("takes views of documents only", function()
    assert.error_matches(function() fstore.materialized_view(store, fstore.view { name = "v", on = {} }) end,
      "view v keeps no documents")
  end)
end)
