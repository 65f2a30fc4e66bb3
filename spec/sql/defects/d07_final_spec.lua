local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D7", function()
  defect("D7", "append_event cannot close a stream", {
    replay = function(store)
      local client, id, event_id = store:client(), core.uuid.v4(), core.uuid.v4()
      local rows, err = client:try([[SELECT * FROM append_event(v_event => 'Closed', v_event_id => $1,
        v_decider => 'Order', v_decider_id => $2, v_data => '{}', v_command_id => $3, v_previous_id => NULL,
        v_final => true)]], event_id, id, core.uuid.v4())
      local next_one = client:append { decider_id = id, previous_id = rows and event_id }
      return { err = err and err.sqlstate, final = rows and rows[1].final, goes_on = next_one ~= nil }
    end,
    original = { err = "42883", goes_on = true },
    ours = { final = true, goes_on = false },
  })
end)
