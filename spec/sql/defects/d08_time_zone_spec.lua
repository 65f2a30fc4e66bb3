local core = require "fstore.core"
local defect = require "spec.support.sql_defects"

describe("D8", function()
  defect("D8", "start_at loses its time zone and is read in the session's", {
    replay = function(store)
      local client = store:client()
      assert(client:append { decider_id = core.uuid.v4() })
      local in_an_hour = client:value([[SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 hour',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"')]])
      client:query("SET TimeZone TO 'Asia/Tokyo'")
      assert(client:call("register_view", "v", in_an_hour))
      return { seen_too_early = #client:stream("v") }
    end,
    original = { seen_too_early = 1 },
    ours = { seen_too_early = 0 },
  })

  defect("D8", "the same view covers other events when another session sets its start", {
    replay = function(store)
      local seen = {}
      local client = store:client()
      assert(client:append { decider_id = core.uuid.v4() })
      local an_hour_ago = client:value("SELECT now() - interval '1 hour'")
      for i, zone in ipairs { "UTC", "America/New_York" } do
        local registrar <close> = store:client()
        registrar:query("SET TimeZone TO $1", zone)
        assert(registrar:call("register_view", "v" .. i, an_hour_ago))
        seen[i] = #client:stream("v" .. i)
      end
      return { in_utc = seen[1], in_new_york = seen[2] }
    end,
    original = { in_utc = 1, in_new_york = 0 },
    ours = { in_utc = 1, in_new_york = 1 },
  })
end)
