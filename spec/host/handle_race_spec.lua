-- Hosts that handle commands for the same decider at once.
local database = require "spec.support.database"
local host = require "spec.support.host"

local COMMANDS <const> = 300

describe("handle, by several hosts at once", function()
  local function commands(name)
    local lines = {}
    for number = 1, COMMANDS do
      lines[number] = ('{"decider_id":"one","command":"AddTwice","data":{"n":%d},"command_id":"%s-%012d"}\n'):format(
        number, name, number)
    end
    return lines
  end

  it("stores each command once, in one line of events without forks", function()
    local db = database.fresh()
    local hosts = {}
    for index, name in ipairs { "11111111-0000-4000-8000", "22222222-0000-4000-8000" } do
      hosts[index] = host.start({ "handle", "spec/host/scripts/counter.lua" }, { db = db })
      hosts[index].lines = commands(name)
    end
    -- In small pieces, one for each in turn: they keep meeting each other.
    for number = 1, COMMANDS, 10 do
      for _, each in ipairs(hosts) do
        each:write(table.concat(each.lines, "", number, number + 9))
      end
    end
    for _, each in ipairs(hosts) do
      each:close_input()
      local result = each:wait()
      assert.equal(0, result.code)
      assert.equal(2 * COMMANDS, #result:rows())
      assert.equal(COMMANDS .. " handled, 0 refused, 0 failed\n", result.err)
    end
    assert.equal("1200|600|1200|1", database.query(db, [[
      select count(*), count(distinct command_id), count(distinct coalesce(previous_id, decider_id)),
        count(*) filter (where previous_id is null)
      from fstore.events]]))
    assert.equal("0", database.query(db, [[
      select count(*) from (
        select previous_id, lag(event_id) over (order by "offset") as before from fstore.events) as e
      where previous_id is distinct from before]]))
    assert.equal(300, tonumber(database.query(db, [[
      select count(*) from (select command_id, count(*) from fstore.events where command_id::text like '1%'
        group by 1 having count(*) = 2) as whole]])))
  end)
end)
