local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D1", function()
  defect("D1", "two first events of one decider at once fork its stream", {
    replay = function(store)
      local one, other, id = store:client(), store:client(), core.uuid.v4()
      one:query("BEGIN")
      assert(one:append { decider_id = id })
      local second = other:start_append { decider_id = id }
      local meanwhile = second:settle()
      one:query("COMMIT")
      local stored = second:result()
      local first_events = 0
      for _, event in ipairs(one:call("get_events", id, "Order")) do
        first_events = first_events + (event.previous_id and 0 or 1)
      end
      return { meanwhile = meanwhile, both_committed = stored ~= nil, first_events = first_events }
    end,
    original = { meanwhile = "done", both_committed = true, first_events = 2 },
    ours = { meanwhile = "waits", both_committed = false, first_events = 1 },
  })

  defect("D1", "the second first event is refused only if the first one commits", {
    replay = function(store)
      local one, other, id = store:client(), store:client(), core.uuid.v4()
      one:query("BEGIN")
      assert(one:append { decider_id = id })
      local second = other:start_append { decider_id = id }
      local meanwhile = second:settle()
      one:query("ROLLBACK")
      return { meanwhile = meanwhile, stored = second:result() ~= nil }
    end,
    original = { meanwhile = "done", stored = true },
    ours = { meanwhile = "waits", stored = true },
  })
end)
