local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D2", function()
  defect("D2", "a view registered while an append is in flight never sees its event", {
    replay = function(store)
      local appender, registrar = store:client(), store:client()
      appender:query("BEGIN")
      assert(appender:append { decider_id = core.uuid.v4() })
      local registration = registrar:start_call("register_view", "v", "-infinity")
      local meanwhile = registration:settle()
      appender:query("COMMIT")
      assert(registration:result())
      return { meanwhile = meanwhile, seen = #registrar:stream("v") }
    end,
    original = { meanwhile = "done", seen = 0 },
    ours = { meanwhile = "waits", seen = 1 },
  })

  defect("D2", "an append that begins while a view is being registered does not reach it", {
    replay = function(store)
      local appender, registrar = store:client(), store:client()
      registrar:query("BEGIN")
      assert(registrar:call("register_view", "v", "-infinity"))
      local append = appender:start_append { decider_id = core.uuid.v4() }
      local meanwhile = append:settle()
      registrar:query("COMMIT")
      assert(append:result())
      return { meanwhile = meanwhile, seen = #registrar:stream("v") }
    end,
    original = { meanwhile = "done", seen = 0 },
    ours = { meanwhile = "waits", seen = 1 },
  })
end)
