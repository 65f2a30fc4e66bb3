local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

-- A store with one partition of events 1, 2, 3 and a view of it.
local function partition_of_three(store)
  local client, id = store:client(), core.uuid.v4()
  assert(client:call("register_view", "v", "-infinity"))
  client:append_chain(id, 3)
  return client, id
end

describe("D3", function()
  defect("D3", "a late ack moves progress backwards", {
    replay = function(store)
      local client, id = partition_of_three(store)
      local first = client:consume("v")
      assert(client:call("ack_event", "v", id, 1))
      return { first = first, again = client:consume("v") }
    end,
    original = { first = { 1, 2, 3 }, again = { 2, 3 } },
    ours = { first = { 1, 2, 3 }, again = {} },
  })

  defect("D3", "a late ack frees another consumer's lease", {
    replay = function(store)
      local slow, id = partition_of_three(store)
      local holder, third = store:client(), store:client()
      local handed = { slow = slow:stream("v", 1) }
      assert(slow:call("ack_event", "v", id, 1))
      handed.holder = holder:stream("v", 1)
      assert(slow:call("ack_event", "v", id, 1)) -- repeated, say after a time-out of its connection
      handed.third = third:stream("v", 1)
      return handed
    end,
    original = { slow = { 1 }, holder = { 2 }, third = { 2 } },
    ours = { slow = { 1 }, holder = { 2 }, third = {} },
  })

  defect("D3", "an ack beyond the head skips events to come", {
    replay = function(store)
      local client, id = partition_of_three(store)
      assert(client:call("ack_event", "v", id, 1000))
      local last = client:call("get_last_event", id, "Order")[1]
      assert(client:append { decider_id = id, previous_id = last.event_id })
      return { seen = client:consume("v") }
    end,
    original = { seen = {} },
    ours = { seen = { 1, 2, 3, 4 } },
  })
end)
