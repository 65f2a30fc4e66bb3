local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I7: a partition has one holder, and a late one changes nothing", function()
  local client = store.shared()
  local views = 0
  local view, id, holder, late

  before_each(function()
    views, id, holder, late = views + 1, uuid(), client(), client()
    view = "v" .. views
    assert(holder:call("register_view", view, "infinity"))
    holder:append_chain(id, 3)
  end)

  local function lock()
    return holder:query([[SELECT *, locked_until > now() AS is_leased FROM locks
      WHERE view = $1 AND decider_id = $2]], view, id)[1]
  end

  -- The first consumer's lease is over before it has acked; the second takes the next.
  local function retaken()
    local old = late:lease(view, 100, 0)
    local new = holder:lease(view)
    assert.equal(3, #old)
    assert.same({ 3, true }, { #new, new[1].token > old[1].token })
    return old, new
  end

  it("two consumers at once never get the same partition", function()
    holder:query("BEGIN")
    local leased = holder:lease(view)
    assert.equal(3, #leased)
    assert.same({}, late:lease(view)) -- at once, and while the other has not committed
    holder:query("COMMIT")
    assert.same({}, late:lease(view))
    assert.same({}, late:stream(view))
    assert.is_true(lock().is_leased)
  end)

  it("a lease whose transaction is rolled back was never taken", function()
    holder:query("BEGIN")
    holder:lease(view)
    holder:query("ROLLBACK")
    assert.equal(3, #late:lease(view))
  end)

  it("a holder whose lease expired but was not retaken can still ack", function()
    local leased = late:lease(view, 100, 0)
    assert.is_true(late:ack(view, leased[3]))
    assert.equal(leased[3].offset, lock().last_offset)
  end)

  it("a late ack by token is refused", function()
    local old = retaken()
    local before = lock()
    for _, event in ipairs(old) do assert.is_false(late:ack(view, event)) end
    assert.same(before, lock())
  end)

  it("a late nack, scheduled or not, is refused", function()
    local old = retaken()
    local before = lock()
    assert.same({}, late:call("nack_event", view, id, old[1].token))
    assert.same({}, late:call("schedule_nack_event", view, id, 60000, old[1].token))
    assert.same({}, late:call("nack_events", view, { id }, { old[1].token }, { 0 }, { "late" }))
    assert.same(before, lock())
  end)

  it("a late ack without a token, of what is handled already, does not free the lease of the next", function()
    local first = late:stream(view, 1)
    assert.equal(1, #late:call("ack_event", view, id, first[1]))
    assert.equal(1, #holder:stream(view, 1))
    assert.same({}, late:call("ack_event", view, id, first[1]))
    assert.is_true(lock().is_leased)
    assert.same({}, client():stream(view, 1))
  end)

  it("late and good acks of a partition in one call count for what they are", function()
    local old = late:lease(view, 100, 0)
    local new = late:lease(view, 1)
    assert.equal(1, #new)
    local accepted = late:call("ack_events", view, { id, id }, { old[3].offset, new[1].offset },
      { old[3].token, new[1].token })
    assert.equal(1, #accepted)
    assert.equal(new[1].offset, lock().last_offset)
  end)

  it("a holder cannot ack what its lease did not hand out", function()
    late:lease(view, 100, 0)
    local new = holder:lease(view, 1)
    assert.same({}, holder:call("ack_event", view, id, new[1].offset + 1, new[1].token))
    assert.is_true(holder:ack(view, new[1]))
  end)

  it("acking all that a lease handed out frees it, even if an earlier lease had more", function()
    late:lease(view, 100, 0)
    local new = holder:lease(view, 1)
    assert.is_true(holder:ack(view, new[1]))
    assert.is_false(lock().is_leased)
    assert.equal(2, #client():lease(view))
  end)

  it("acking part of a lease keeps the rest of it", function()
    local leased = holder:lease(view)
    assert.is_true(holder:ack(view, leased[2]))
    assert.is_true(lock().is_leased)
    assert.same({}, late:lease(view))
    assert.is_true(holder:ack(view, leased[3]))
    assert.is_false(lock().is_leased)
  end)

  it("a token is no other partition's, and no other view's", function()
    local other = uuid()
    holder:append_chain(other, 1)
    assert(holder:call("register_view", view .. "b", "-infinity"))
    local leased = holder:lease(view, 100, 0)
    local again = late:lease(view .. "b", 10000)
    assert.same({}, late:call("ack_event", view, id, again[1].offset, again[1].token))
    assert.is_true(holder:ack(view, leased[3]))
  end)

  it("a replay ends the leases that are out", function()
    local leased = holder:lease(view)
    assert(client():call("register_view", view, "-infinity"))
    assert.is_false(holder:ack(view, leased[3]))
    assert.same({}, holder:call("nack_event", view, id, leased[1].token))
    local again = {}
    for _, event in ipairs(late:lease(view, 10000)) do
      if event.decider_id == id then again[#again + 1] = event.offset end
    end
    assert.same({ leased[1].offset, leased[2].offset, leased[3].offset }, again)
  end)
end)
