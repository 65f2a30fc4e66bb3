local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("what the store says about its consumers and sessions:", function()
  local client = store.shared()
  local one, id

  before_each(function()
    one, id = client(), uuid()
    one:query("DELETE FROM views")
    assert(one:call("register_view", "v", "infinity"))
    one:append_chain(id, 3)
  end)

  local function findings(name, seconds)
    local found = {}
    for _, row in ipairs(assert(one:call(name, seconds))) do found[row.finding] = row end
    return found
  end

  it("consumer_faults names leases that nobody retook, parked partitions, and views that lag", function()
    assert.is_truthy(findings("consumer_faults", -1).lagging_view)
    assert.is_nil(findings("consumer_faults", 60).lagging_view)
    one:lease("v", 100, 0)
    local expired = findings("consumer_faults", -1).expired_lease
    assert.same({ "v", id }, { expired.view, expired.decider_id })
    one:call("park_events", "v", { id }, nil, { "too often" })
    local parked = findings("consumer_faults", 60).parked
    assert.same({ "v", id }, { parked.view, parked.decider_id })
    assert.matches("too often", parked.detail, 1, true)
  end)

  it("session_faults names the session that holds an old transaction open", function()
    local idle = client()
    idle:query("BEGIN")
    idle:query("SELECT 1")
    local found = findings("session_faults", -1).old_transaction
    assert.matches("pid " .. idle.pid, found.detail, 1, true)
    assert.is_nil(findings("session_faults", 3600).old_transaction)
  end)

  it("start_of is just before the first event that a time covers", function()
    local first = one:call("get_events", id, "Order")[1]
    local function start_of(start_at) return one:value("SELECT start_of($1, $2)", start_at, id) end
    assert.equal(first.offset - 1, start_of("-infinity"))
    assert.equal(first.offset + 2, start_of("infinity"))
    assert.equal(0, one:value("SELECT start_of('-infinity', $1)", uuid()))
  end)
end)
