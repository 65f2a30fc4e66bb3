local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

-- An append to partition `id` that has drawn its offset and stands still: it waits to learn whether an event with its
-- event_id, of somebody else's partition, is committed. `let_go` has it rolled back.
local function stalled_append(store, id)
  local obstacle, appender, event_id = store:client(), store:client(), core.uuid.v4()
  obstacle:query("BEGIN")
  assert(obstacle:append { decider_id = core.uuid.v4(), event_id = event_id })
  local append = appender:start_append { decider = "Order", decider_id = id, event_id = event_id }
  assert.equal("waits", append:settle())
  local function let_go()
    obstacle:query("ROLLBACK")
    local row, err = append:result()
    if not row then -- ours may say conflict: then a client decides again
      assert.equal("FS001", err.sqlstate)
      row = assert(appender:append { decider = "Order", decider_id = id })
    end
    return row
  end
  return let_go
end

local function committed(client, id)
  local offsets = {}
  for _, row in ipairs(client:query('SELECT "offset" FROM events WHERE decider_id = $1 ORDER BY "offset"', id)) do
    offsets[#offsets + 1] = row.offset
  end
  return offsets
end

describe("D10", function()
  defect("D10", "an event that commits behind a later one, already consumed, is lost", {
    replay = function(store)
      local client, id = store:client(), core.uuid.v4()
      assert(client:call("register_view", "v", "-infinity"))
      local let_go = stalled_append(store, id)
      assert(client:append { decider = "Parcel", decider_id = id })
      local delivered = client:consume("v")
      let_go()
      for _, offset in ipairs(client:consume("v")) do delivered[#delivered + 1] = offset end
      local all = committed(client, id)
      return { committed = #all, in_order = pcall(assert.same, all, delivered) }
    end,
    original = { committed = 2, in_order = false },
    ours = { committed = 2, in_order = true },
  })

  defect("D10", "an event that commits behind a later one, not consumed yet, hides that one", {
    replay = function(store)
      local client, id = store:client(), core.uuid.v4()
      assert(client:call("register_view", "v", "-infinity"))
      local let_go = stalled_append(store, id)
      assert(client:append { decider = "Parcel", decider_id = id })
      let_go()
      local all = committed(client, id)
      return { committed = #all, in_order = pcall(assert.same, all, client:consume("v")) }
    end,
    original = { committed = 2, in_order = false },
    ours = { committed = 2, in_order = true },
  })
end)
