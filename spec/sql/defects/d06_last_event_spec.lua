local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D6", function()
  defect("D6", "get_last_event returns the event of another decider of the same id", {
    replay = function(store)
      local client, id = store:client(), core.uuid.v4()
      assert(client:append { decider = "Order", decider_id = id })
      assert(client:append { decider = "Parcel", decider_id = id })
      return { decider = assert(client:call("get_last_event", id, "Order"))[1].decider }
    end,
    original = { decider = "Parcel" },
    ours = { decider = "Order" },
  })
end)
