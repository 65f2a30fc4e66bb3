local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D12", function()
  defect("D12", "taking a lease updates every index of locks", {
    replay = function(store)
      local client = store:client()
      assert(client:call("register_view", "v", "-infinity"))
      assert(client:append { decider_id = core.uuid.v4() })
      client:query("BEGIN")
      local leased = #client:stream("v")
      local updated = client:query([[SELECT n_tup_upd AS all, n_tup_hot_upd AS hot
        FROM pg_stat_xact_user_tables WHERE relname = 'locks']])[1]
      client:query("COMMIT")
      return { leased = leased, updated = updated.all, hot = updated.hot }
    end,
    original = { leased = 1, updated = 1, hot = 0 },
    ours = { leased = 1, updated = 1, hot = 1 },
  })
end)
