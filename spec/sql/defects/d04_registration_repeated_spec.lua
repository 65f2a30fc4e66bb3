local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

-- A view that has handled the first of three events.
local function view_at_work(store)
  local client, id = store:client(), core.uuid.v4()
  assert(client:call("register_view", "v", "-infinity"))
  client:append_chain(id, 3)
  assert.same({ 1 }, client:stream("v", 1))
  assert(client:call("ack_event", "v", id, 1))
  return client
end

describe("D4", function()
  defect("D4", "registering a view again counts its backlog as consumed", {
    replay = function(store)
      local client = view_at_work(store)
      assert(client:call("register_view", "v"))
      return { seen = client:consume("v") }
    end,
    original = { seen = {} },
    ours = { seen = { 2, 3 } },
  })

  defect("D4", "any UPDATE of a view sends it back to its start", {
    replay = function(store)
      local client = view_at_work(store)
      client:query("UPDATE views SET pooling_delay_s = 5")
      return { seen = client:consume("v") }
    end,
    original = { seen = { 1, 2, 3 } },
    ours = { seen = { 2, 3 } },
  })

  defect("D4", "registering a view again with the same start_at replays it", {
    replay = function(store)
      local client = view_at_work(store)
      assert(client:call("register_view", "v", "-infinity", 60))
      return { seen = client:consume("v") }
    end,
    original = { seen = { 1, 2, 3 } },
    ours = { seen = { 2, 3 } },
  })
end)
