local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

-- More partitions of one event each, freshly loaded.
local function load(client, n)
  client:query([[SELECT append_event('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}', gen_random_uuid(),
    NULL) FROM generate_series(1, $1)]], n)
end

-- Pages that a poll touches, once the session is warm.
local function pages(client, view)
  local touched
  for _ = 1, 3 do
    local text = client:value("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM stream_events($1, 10)", view)
    local plan = core.json.decode(text)[1].Plan
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
  end
  return touched
end

-- With statistics of the day: even the best plan of the original reads them all.
local function growth(client, start_at)
  local read = {}
  for i, more in ipairs { 1000, 4000 } do
    load(client, more)
    assert(client:call("register_view", "v" .. i, start_at))
    client:query("ANALYZE")
    read[i] = pages(client, "v" .. i)
  end
  return { grows = read[2] > 1.25 * read[1] }
end

local function scenario(start_at)
  return {
    replay = function(store) return growth(store:client(), start_at) end,
    original = { grows = true },
    ours = { grows = false },
  }
end

describe("D11", function()
  defect("D11", "an idle poll reads every lock of the view", scenario "infinity")
  defect("D11", "a poll with a backlog reads and sorts all of it", scenario "-infinity")
end)
