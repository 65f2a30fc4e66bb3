local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

local function truncating(statement)
  return {
    replay = function(store)
      local client = store:client()
      client:append_chain(core.uuid.v4(), 3)
      local _, err = client:try(statement)
      return { err = err and err.sqlstate, events = client:value("SELECT count(*) FROM events"),
        deciders = client:value("SELECT count(*) > 0 FROM deciders") }
    end,
    original = { events = 0, deciders = statement:find("deciders") == nil },
    ours = { err = "FS005", events = 3, deciders = true },
  }
end

describe("D9", function()
  defect("D9", "TRUNCATE empties the log", truncating "TRUNCATE events")
  defect("D9", "TRUNCATE of deciders empties both", truncating "TRUNCATE deciders CASCADE")
end)
