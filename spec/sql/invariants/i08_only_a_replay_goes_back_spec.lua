local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I8: only an explicit replay moves progress backwards", function()
  local client = store.shared()
  local views = 0
  local view, id, consumer, chain

  before_each(function()
    views, id, consumer = views + 1, uuid(), client()
    view = "v" .. views
    chain = consumer:append_chain(id, 4)
    assert(consumer:call("register_view", view, "-infinity"))
    assert(consumer:call("ack_event", view, id, chain[3].offset))
  end)

  local function progress()
    return consumer:value("SELECT last_offset FROM locks WHERE view = $1 AND decider_id = $2", view, id)
  end

  it("not an ack: the same one again, an older one, one of nothing, one past the head", function()
    for _, offset in ipairs { chain[3].offset, chain[1].offset, 0, -1, chain[4].offset + 1, math.maxinteger } do
      assert.same({}, consumer:call("ack_event", view, id, offset))
      assert.equal(chain[3].offset, progress())
    end
  end)

  it("not a nack, with a delay or without", function()
    assert.equal(1, #consumer:call("nack_event", view, id))
    assert.equal(1, #consumer:call("schedule_nack_event", view, id, 1000))
    assert.equal(chain[3].offset, progress())
  end)

  it("not acks of one partition that race", function()
    local late = client()
    consumer:query("BEGIN")
    assert.equal(1, #consumer:call("ack_event", view, id, chain[4].offset))
    local racing = late:start_call("ack_event", view, id, chain[3].offset)
    local meanwhile = racing:settle()
    consumer:query("COMMIT")
    assert.same({}, racing:result())
    assert.matches("^%l+$", meanwhile)
    assert.equal(chain[4].offset, progress())
  end)

  it("not a registration without start_at, or with the one it has", function()
    assert(consumer:call("register_view", view))
    assert.equal(chain[3].offset, progress())
    assert(consumer:query("SELECT * FROM register_view($1, v_lock_timeout_s => 5, v_pooling_delay_s => 1)", view))
    assert.equal(chain[3].offset, progress())
    assert(consumer:call("register_view", view, "-infinity"))
    assert.equal(chain[3].offset, progress())
    assert.equal("-infinity", consumer:value("SELECT start_at FROM views WHERE view = $1", view))
  end)

  it("not an UPDATE of other columns of the view", function()
    consumer:query("UPDATE views SET lock_timeout_s = 1, edge_function_url = 'x', updated_at = now()")
    assert.equal(chain[3].offset, progress())
  end)

  it("not an event that commits late", function()
    local late = client()
    late:query("BEGIN")
    assert(late:append { decider = "Parcel", decider_id = id })
    local racing = consumer:start_call("ack_event", view, id, chain[4].offset)
    assert.equal("waits", racing:settle())
    late:query("COMMIT")
    assert.equal(1, #racing:result())
    assert.equal(chain[4].offset, progress())
  end)

  it("but a registration with another start_at does", function()
    assert(consumer:call("register_view", view, "2000-01-01"))
    assert.equal(chain[1].offset - 1, progress())
    local again = 0
    for _, event in ipairs(consumer:lease(view, 10000)) do again = again + (event.decider_id == id and 1 or 0) end
    assert.equal(4, again)
  end)

  it("a later start_at goes forwards, to the events that it covers", function()
    assert(consumer:call("register_view", view, "infinity"))
    assert.equal(chain[4].offset, progress())
    local next_one = assert(consumer:append { decider_id = id, previous_id = chain[4].event_id })
    assert.equal(next_one.offset, consumer:lease(view)[1].offset)
  end)

  it("start_at falls between two events: the view begins with the first that it covers", function()
    local at = consumer:value("SELECT clock_timestamp()")
    local covered = assert(consumer:append { decider_id = id, previous_id = chain[4].event_id })
    assert(consumer:call("register_view", view .. "b", at))
    assert.same({ covered.offset }, { consumer:lease(view .. "b", 10000)[1].offset })
  end)
end)
