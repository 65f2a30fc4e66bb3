local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"

describe("core.last_of_partitions", function()
  local conn

  setup(function() conn = fixture.connect() end)
  teardown(function() conn:close() end)

  -- The n of the data tells the order in which they were appended.
  local function events(partitions, each)
    local items = {}
    for n = 1, partitions * each do
      items[n] = fixture.item(("00000000-0000-4000-8000-%012d"):format(n % partitions), { data = { n = n } })
    end
    assert(conn:exec("begin"))
    local stored = assert(conn:append_events(items))
    assert(conn:exec("rollback"))
    return stored
  end

  local function numbers(list)
    local found = {}
    for place, event in ipairs(list) do found[place] = event.data.n end
    return found
  end

  it("is the last event of each, among the first so many", function()
    local list = events(3, 4)
    assert.same({ 10, 11, 12 }, numbers(core.last_of_partitions(list, 12)))
    assert.same({ 4, 5, 3 }, numbers(core.last_of_partitions(list, 5)))
    assert.same({ 1 }, numbers(core.last_of_partitions(list, 1)))
    assert.same({}, core.last_of_partitions(list, 0))
    assert.same({}, core.last_of_partitions({}, 0))
  end)

  it("finds them among many", function()
    local found = numbers(core.last_of_partitions(events(1000, 2), 2000))
    for place = 1, 1000 do assert.equal(1000 + place, found[place]) end
    assert.equal(1000, #found)
  end)

  it("raises for what is no list of events", function()
    assert.error_matches(function() core.last_of_partitions({ {} }, 1) end, "item 1: event expected")
    assert.error_matches(function() core.last_of_partitions({ 1 }, 1) end, "item 1: event expected")
    assert.error_matches(function() core.last_of_partitions({}, 1) end, "out of range")
    assert.error_matches(function() core.last_of_partitions({}, -1) end, "out of range")
  end)
end)
