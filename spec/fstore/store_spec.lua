-- The store's methods in Lua: what they add to the C core, and transactions.
local core = require "fstore.core"
local database = require "spec.support.database"
local errors = require "fstore.errors"
local fstore = require "fstore"

describe("the store", function()
  local db, store
  setup(function()
    db = database.fresh()
  end)
  before_each(function()
    store = assert(fstore.connect(db))
  end)
  after_each(function()
    store:close()
  end)

  local function new_event(more)
    local event = {
      decider = "Order", decider_id = core.uuid.v4(), event = "Placed", data = { n = 1 }, command_id = core.uuid.v4(),
    }
    for key, value in pairs(more or {}) do
      event[key] = value
    end
    return event
  end

  setup(function()
    local first <close> = assert(fstore.connect(db))
    assert(first:register_decider_event("Order", "Placed", "a customer placed an order"))
    assert(first:exec("create table public.numbers (n int check (n < 100))"))
  end)
  before_each(function()
    store:exec("truncate public.numbers")
  end)

  local function numbers()
    return database.query(db, "select coalesce(string_agg(n::text, ',' order by n), '') from public.numbers")
  end

  local function insert(tx, n)
    return tx:exec("insert into public.numbers values ($1)", n)
  end

  it("reports a database that is not there", function()
    local nothing, err = fstore.connect("host=/nowhere")
    assert.is_nil(nothing)
    assert.equal("connection", err.kind)
  end)

  it("raises for a wrong argument, at the caller's line", function()
    local function raises(pattern, run)
      local _, message = pcall(run)
      assert.matches("store_spec%.lua:%d+: " .. pattern, message)
    end
    raises("store:append_event: event must be table, not nil", function() store:append_event() end)
    raises("store:transaction: body must be function, not string", function() store:transaction("begin") end)
    assert.error_matches(function() fstore.connect(7) end, "conninfo must be string or table, not integer")
    assert.error_matches(function() fstore.connect(db, { scheme = "x" }) end, 'unknown option "scheme"')
  end)

  it("appends one event and finds it as the last", function()
    local stored = assert(store:append_event(new_event { data = { item = "book" } }))
    local last = assert(store:get_last_event(stored.decider_id, "Order"))
    assert.equal(stored.event_id, last.event_id)
    assert.same({ item = "book" }, last.data)
  end)

  it("returns what the world refuses as an error", function()
    local event = new_event()
    assert(store:append_event(event))
    local stored, err = store:append_event(event)
    assert.is_nil(stored)
    assert.equal("conflict", err.kind)
    stored, err = store:append_event(new_event { event = "Unheard" })
    assert.is_nil(stored)
    assert.equal("unknown_event", err.kind)
  end)

  it("registers what a decider declares, again and again", function()
    local decider = fstore.decider {
      name = "Cart", events = { Filled = "filled", Emptied = {
        description = "emptied", version = 2, upcast = { [1] = function(data) return data end },
      } },
      initial_state = {}, decide = {}, evolve = {},
    }
    assert.is_true(store:register_decider(decider))
    assert.is_true(store:register_decider(decider))
    assert.equal("Emptied|2,Filled|1", database.query(db, [[
      select string_agg(event || '|' || event_version, ',' order by event)
      from fstore.deciders where decider = 'Cart']]))
  end)

  it("reads pages of the log", function()
    local first, second = store:append_event(new_event()), store:append_event(new_event())
    local page = assert(store:read_events { after = first.offset - 1, limit = 1 })
    assert.same({ first.event_id }, { page[1].event_id })
    page = assert(store:read_events { after = first.offset - 1, decider_id = second.decider_id })
    assert.same({ 1, second.event_id }, { #page, page[1].event_id })
    assert.same({}, store:read_events { decider = "Nobody" })
  end)

  it("knows how far a view has come", function()
    assert(store:register_view { view = "reached", start_at = "-infinity" })
    assert(store:append_event(new_event()))
    local before = assert(store:view_status("reached"))[1]
    for _, event in ipairs(assert(store:lease_events("reached", { limit = 1000 }))) do
      assert(store:ack_event("reached", event.decider_id, event.offset, event.token))
    end
    local after = assert(store:view_status("reached"))[1]
    assert.is_true(before.pending_events > 0)
    assert.equal(0, after.pending_events)
    assert.equal(0, #store:view_status("nobody"))
  end)

  it("is woken by an append of another once it is armed", function()
    local other <close> = assert(fstore.connect(db))
    assert.is_true(store:arm())
    assert.is_false(store:wait(0))
    assert(other:append_event(new_event()))
    assert.is_true(store:wait(10000))
    assert.is_true(store:disarm())
    assert(other:append_event(new_event()))
    assert.is_false(store:wait(50))
  end)

  it("closes twice, and by <close>", function()
    local copy
    do
      local closing <close> = assert(fstore.connect(db))
      copy = closing
    end
    copy:close()
    assert.has_error(function() assert(copy:exec("select 1")) end)
  end)

  describe("in a transaction", function()
    it("commits when the body returns", function()
      assert.is_true(store:transaction(function(tx) assert(insert(tx, 1)) end))
      assert.equal("kept", store:transaction(function(tx)
        insert(tx, 2)
        return "kept"
      end))
      assert.is_false(store:transaction(function(tx)
        insert(tx, 3)
        return false
      end))
      assert.equal("1,2,3", numbers())
    end)

    it("takes appends in", function()
      local id = core.uuid.v4()
      assert.is_nil(store:transaction(function(tx)
        assert(tx:append_event(new_event { decider_id = id }))
        return nil, "no"
      end))
      assert.is_nil(store:get_last_event(id, "Order"))
    end)

    it("rolls back and returns the error when the body returns nil and an error", function()
      local result, err = store:transaction(function(tx)
        insert(tx, 1)
        return nil, "changed my mind"
      end)
      assert.is_nil(result)
      assert.equal("changed my mind", err)
      assert.equal("", numbers())
    end)

    it("rolls back and returns an error of ours that the body raises", function()
      local result, err = store:transaction(function(tx)
        insert(tx, 1)
        local done, failure = insert(tx, 100)
        if not done then
          error(failure, 0) -- as Lua's own assert does; that of busted makes a string of it
        end
      end)
      assert.is_nil(result)
      assert.equal("constraint", err.kind)
      assert.equal("", numbers())
    end)

    it("rolls back and raises what else the body raises", function()
      local ok, err = pcall(store.transaction, store, function(tx)
        insert(tx, 1)
        error("bang")
      end)
      assert.is_false(ok)
      assert.is_true(errors.is(err))
      assert.matches("store_spec%.lua:%d+: bang$", err.message)
      assert.equal("", numbers())
      assert.is_true(store:transaction(function(tx) insert(tx, 2) end))
    end)

    it("returns the first error when the body ignores it", function()
      local result, err = store:transaction(function(tx)
        insert(tx, 1)
        insert(tx, 100)
        insert(tx, 2)
        return "all is well"
      end)
      assert.is_nil(result)
      assert.equal("constraint", err.kind)
      assert.equal("", numbers())
    end)

    it("keeps what a savepoint saved", function()
      assert.is_true(store:transaction(function(tx)
        insert(tx, 1)
        tx:exec("savepoint s")
        insert(tx, 100)
        tx:exec("rollback to s")
        insert(tx, 2)
      end))
      assert.equal("1,2", numbers())
    end)

    it("says that a deferred constraint failed at the end", function()
      store:exec("create table if not exists public.once (n int unique deferrable initially deferred)")
      local result, err = store:transaction(function(tx)
        tx:exec("insert into public.once values (1), (1)")
      end)
      assert.is_nil(result)
      assert.equal("constraint", err.kind)
    end)

    it("finds the failure of a write that was sent ahead at its end, before what the body says", function()
      for _ = 1, 2 do -- it is prepared, and known to return no rows
        assert.is_true(store:transaction(function(tx) insert(tx, 1) end))
      end
      local result, err = store:transaction(function(tx)
        assert(insert(tx, 2))
        assert(insert(tx, 100))
        error("bang")
      end, { sends_ahead = true })
      assert.is_nil(result)
      assert.same({ "constraint", true }, { err.kind, err.is_late })
      assert.equal("1,1", numbers())
      assert.is_true(store:transaction(function(tx) insert(tx, 2) end, { sends_ahead = true }))
      assert.equal("1,1,2", numbers())
    end)

    it("is ended by rollback, in whatever state it is", function()
      store:rollback()
      assert(store:exec("begin"))
      insert(store, 1)
      store:rollback()
      assert(store:exec("begin"))
      insert(store, 100)
      store:rollback()
      assert.is_false(store:is_in_transaction())
      assert.equal("", numbers())
    end)

    it("is not opened twice", function()
      assert.error_matches(function()
        store:transaction(function(tx)
          tx:transaction(function() end)
        end)
      end, "a transaction is open already")
      assert.is_true(store:transaction(function(tx) insert(tx, 1) end))
    end)

    it("ends well when the connection is lost in the body", function()
      local result, err = store:transaction(function(tx)
        insert(tx, 1)
        database.query(db, ("select pg_terminate_backend(%d)"):format(tx:exec("select pg_backend_pid() as pid")[1].pid))
        insert(tx, 2)
      end)
      assert.is_nil(result)
      assert.equal("connection", err.kind)
      assert.equal("", numbers())
    end)
  end)
end)
