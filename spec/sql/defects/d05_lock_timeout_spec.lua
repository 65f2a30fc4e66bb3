local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D5", function()
  defect("D5", "stream_events ignores the view's lock_timeout_s", {
    replay = function(store)
      local client = store:client()
      assert(client:call("register_view", "v", "-infinity", 7))
      assert(client:append { decider_id = core.uuid.v4() })
      client:query("BEGIN")
      assert(client:call("stream_events", "v"))
      local seconds = client:value("SELECT extract(epoch FROM locked_until - now())::int FROM locks")
      client:query("COMMIT")
      return { seconds = seconds }
    end,
    original = { seconds = 300 },
    ours = { seconds = 7 },
  })
end)
