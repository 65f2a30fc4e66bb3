local fstore = require "fstore"
local raises = require "spec.support.raises"

describe("a view", function()
  it("can be written as one function", function()
    local count = fstore.view {
      name = "count", events = { "Added", "Removed" }, initial_state = 0,
      evolve = function(n, event) return n + (event.event == "Added" and 1 or -1) end,
    }
    assert.is_true(count:handles "Added")
    assert.is_false(count:handles "Other")
    local event = { event = "Added", decider_id = "an id" }
    assert.are.equal(2, count:apply(count:apply(nil, event), event))
    local all = fstore.view { name = "all", on = function() end }
    assert.is_true(all:handles "Anything")
  end)

  it("keeps its documents in a table of its name, unless told otherwise", function()
    assert.are.equal("v", fstore.view { name = "v", evolve = {} }.table)
    assert.are.equal("t", fstore.view { name = "v", table = "t", evolve = {} }.table)
    assert.is_nil(fstore.view { name = "v", on = {} }.table)
  end)

  it("must not handle events that its decider does not declare", function()
    local decider = fstore.decider {
      name = "D", events = { Done = "done" }, initial_state = {}, decide = {}, evolve = {},
    }
    raises(function()
      fstore.view { name = "v", decider = decider, evolve = { Dome = function() end } }
    end, "spec/model/view_spec%.lua:%d+: fstore.view: evolve.Dome is no event of D")
  end)

  it("reads the events of its decider alone, when it names one", function()
    local decider = fstore.decider {
      name = "D", events = { Done = "done" }, initial_state = {}, decide = {}, evolve = {},
    }
    local count = fstore.view {
      name = "v", decider = decider, initial_state = 0, evolve = { Done = function(n) return n + 1 end },
    }
    local own = { event = "Done", decider = "D", decider_id = "x" }
    local other = { event = "Done", decider = "E", decider_id = "x" }
    assert.are.equal(1, count:apply(count:apply(nil, own), other))
    assert.is_nil(count.key(other))
    local calls = 0
    local by_sql = fstore.view { name = "v", decider = decider, on = { Done = function() calls = calls + 1 end } }
    by_sql.on.Done(own)
    by_sql.on.Done(other)
    assert.are.equal(1, calls)
  end)

  it("says what is wrong at the caller's line", function()
    for pattern, definition in pairs {
      ["needs `on`"] = { name = "v" },
      ["unknown option \"evolve\""] = { name = "v", on = {}, evolve = {} },
      ["name must not be empty"] = { name = "", on = {} },
      ["on.X must be function"] = { name = "v", on = { X = 1 } },
      ["decider must be one"] = { name = "v", on = {}, decider = {} },
      ["initial_state.f: function is no JSON"] = { name = "v", evolve = {}, initial_state = { f = print } },
    } do
      raises(function() fstore.view(definition) end, "spec/model/view_spec%.lua:%d+: fstore.view.*" .. pattern)
    end
  end)
end)

describe("combined views", function()
  local function by_sql(name, calls)
    return fstore.view {
      name = name, setup = "select '" .. name .. "'", lock_timeout_s = #calls,
      on = { Added = function(event, db) calls[#calls + 1] = { name, event.event, db } end },
    }
  end

  it("that write SQL run one after the other", function()
    local calls = {}
    local both = fstore.combine(by_sql("a", calls), by_sql("b", calls))
    assert.is_true(both:handles "Added")
    assert.is_false(both:handles "Other")
    both.on.Added({ event = "Added" }, "db")
    assert.are.same({ { "a", "Added", "db" }, { "b", "Added", "db" } }, calls)
    assert.are.equal("select 'a';\nselect 'b'", both.setup)
    assert.are.equal("a_b", both.name)
  end)

  it("must agree on the key", function()
    local function by(key)
      return fstore.view {
        name = key, initial_state = 0, key = function() return key end,
        evolve = { Added = function(n) return n + 1 end, [key] = function(n) return n end },
      }
    end
    local both = fstore.combine(by "x", by "y")
    assert.are.equal("x", both.key { event = "x" })
    raises(function() both.key { event = "Added" } end, "different documents for Added: x and y")
  end)

  it("must be of one sort, with names of their own", function()
    raises(function() fstore.combine(by_sql("a", {}), fstore.view { name = "b", evolve = {} }) end,
      "view_spec%.lua:%d+: .*writes SQL and one that keeps documents")
    raises(function() fstore.combine(by_sql("a", {}), by_sql("a", {})) end,
      "view_spec%.lua:%d+: .*two views are named a")
  end)

  it("that map SQL views' events leave out what is not theirs", function()
    local calls = {}
    local mapped = by_sql("a", calls):map_event(function(event)
      return event.event == "Plus" and { event = "Added" } or nil
    end)
    mapped.on.Plus({ event = "Plus", offset = 7 }, "db")
    mapped.on.Minus({ event = "Minus" }, "db")
    assert.are.same({ { "a", "Added", "db" } }, calls)
  end)
end)
