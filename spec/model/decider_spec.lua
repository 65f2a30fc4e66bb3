local fstore = require "fstore"
local raises = require "spec.support.raises"

local json = fstore.json

-- A decider whose one command leads to what `decide` says.
local function answering(decide, evolve, initial_state)
  return fstore.decider {
    name = "Thing", events = { Done = "it was done", Over = { description = "the end", final = true } },
    initial_state = initial_state or {}, decide = { Do = decide }, evolve = evolve or {},
  }
end

local DO <const> = { command = "Do", data = {}, decider_id = "an id" }

local function here(line)
  return "spec/model/decider_spec%.lua:" .. line
end

describe("a decider", function()
  it("can be written as one function each", function()
    local toggle = fstore.decider {
      name = "Toggle", commands = { "On", "Off" }, events = { Switched = "switched" }, initial_state = false,
      decide = function(command) return { { event = "Switched", data = { on = command.command == "On" } } } end,
      evolve = function(_, event) return event.data.on end,
    }
    assert.are.same({ "Off", "On" }, toggle:commands())
    assert.are.equal("Toggle", toggle:owner { command = "On" })
    assert.is_nil(toggle:owner { command = "Dim" })
    local events = toggle:decide({ command = "On" }, toggle:initial())
    assert.are.same({ on = true }, events[1].data)
    assert.is_true(toggle:evolve(false, events[1]))
  end)

  it("completes events and passes them through JSON", function()
    local list = { 1, 2 }
    local thing = answering(function() return { { event = "Done", data = { list = list } }, { event = "Over" } } end)
    local events = thing:decide(DO, thing:initial())
    assert.are.equal("Thing", events[1].decider)
    assert.are.equal(1, events[1].event_version)
    assert.is_false(events[1].final)
    assert.is_true(events[2].final)
    assert.are.same({}, events[2].data)
    assert.are_not.equal(list, events[1].data.list)
    assert.is_true(json.is_array(events[1].data.list))
  end)

  it("refuses with a reason of any kind", function()
    local thing = answering(function() return nil, { code = 7 } end)
    local events, reason = thing:decide(DO, {})
    assert.is_nil(events)
    assert.are.same({ code = 7 }, reason)
  end)

  it("gives each history an initial state of its own", function()
    local thing = answering(function() return {} end, nil, { items = {} })
    thing:initial().items[1] = "x"
    assert.are.same({ items = {} }, thing:initial())
  end)

  it("does not guess what an unknown event means", function()
    local thing = answering(function() return {} end)
    raises(function() thing:evolve({}, { event = "Later", data = {} }) end, "does not declare the event Later")
  end)

  describe("when the definition is wrong", function()
    local function define(changes)
      local definition = {
        name = "Thing", events = { Done = "it was done" }, initial_state = {}, decide = { Do = function() end },
        evolve = {},
      }
      for key, item in pairs(changes) do definition[key] = item end
      return function() fstore.decider(definition) end
    end

    it("says what, at the caller's line", function()
      for pattern, changes in pairs {
        ["name must not be empty"] = { name = "" },
        ["unknown option \"evolv\""] = { evolv = {} },
        ["events.Done: options must be table"] = { events = { Done = 1 } },
        ["events.Done: description must be string"] = { events = { Done = {} } },
        ["events.Done: version must be at least 1"] = { events = { Done = { description = "x", version = 0 } } },
        ["evolve.Other is not among the declared events"] = { evolve = { Other = function() end } },
        ["decide.Do must be function"] = { decide = { Do = 1 } },
        ["list the commands"] = { decide = function() end },
        ["leave `commands` out"] = { commands = { "Do" } },
        ["initial_state.f: function is no JSON"] = { initial_state = { f = print } },
      } do
        raises(define(changes), here("%d+: fstore.decider.*") .. pattern)
      end
    end)
  end)

  describe("when decide is wrong", function()
    local cycle = {}
    cycle.again = cycle

    local function fails(returned, pattern)
      local thing = answering(function() return returned end)
      local ok, message = pcall(thing.decide, thing, DO, {})
      assert.is_false(ok)
      assert.matches(here("%d+: decide%.Do") .. pattern, message)
    end

    it("names file, line and what came back", function()
      fails("Done", " returned a string: return a list of events, or nil and a reason")
      fails(nil, " returned nothing")
      fails({ event = "Done" }, " returned a table that is no list")
      fails({ "Done" }, ": event 1 is a string Done, not { event = NAME")
      fails({ { event = "Dome" } }, ': event 1, "Dome", is not among the declared events: Done, Over')
      fails({ { event = "Over" }, { event = "Done" } }, ": event 1, Over, is final and must come last")
    end)

    it("names the path inside the value", function()
      fails({ { event = "Done", data = { items = { { price = 0 / 0 } } } } },
        ": event 1, Done: data%.items%[1%]%.price: NaN is no JSON")
      fails({ { event = "Done", data = { f = print } } }, ": event 1, Done: data%.f: function is no JSON")
      fails({ { event = "Done", data = cycle } }, ": event 1, Done: data%.again.*within itself")
      fails({ { event = "Done", data = { [2.5] = 1 } } }, ": event 1, Done: data: an object cannot have the key 2.5")
      fails({ { event = "Done", data = { n = 1 / 0 } } }, ": event 1, Done: data%.n: infinity is no JSON")
      fails({ { event = "Done", data = { text = "\xff" } } }, ": event 1, Done: data%.text: invalid UTF%-8 at byte 1")
    end)
  end)

  it("names the evolve function that loses the state", function()
    local thing = answering(function() return {} end, { Done = function() end })
    raises(function() thing:evolve({}, { event = "Done", data = {} }) end,
      here("%d+: evolve%.Done returned nothing: return the state"))
  end)

  it("names the evolve function that makes a state JSON cannot hold", function()
    local thing = answering(function() return {} end, { Done = function() return { on = { change = print } } end })
    local event = { event = "Done", data = {} }
    raises(function() thing:check_state(thing:evolve({}, event), event) end,
      here("%d+: state after Done: state%.on%.change: function is no JSON"))
  end)
end)

describe("versions of events", function()
  local function priced(declaration)
    return fstore.decider {
      name = "Price", events = { Priced = declaration }, initial_state = {}, decide = {},
      evolve = { Priced = function(_, event) return { cents = event.data.cents, version = event.event_version } end },
    }
  end

  local price = priced {
    description = "a price was set", version = 3,
    upcast = {
      [1] = function(data) return { amount = data.euros * 100 } end,
      [2] = function(data) return { cents = data.amount } end,
    },
  }

  it("go through the whole chain", function()
    for version, data in ipairs { { euros = 7 }, { amount = 700 }, { cents = 700 } } do
      assert.are.same({ cents = 700, version = 3 },
        price:evolve({}, { event = "Priced", event_version = version, data = data }))
    end
  end)

  it("newer than the script are a failure", function()
    raises(function() price:evolve({}, { event = "Priced", event_version = 4, data = {} }) end,
      "Priced is stored in version 4, newer than the script's version 3")
  end)

  it("newer than the script are a failure where evolve does not look at the event, too", function()
    local other = fstore.decider {
      name = "Price", events = { Priced = "a price was set" }, initial_state = {}, decide = {}, evolve = {},
    }
    raises(function() other:evolve({}, { event = "Priced", event_version = 2, data = {} }) end, "newer")
  end)

  it("must not have gaps, nor lead nowhere", function()
    local function up(data) return data end
    raises(function() priced { description = "x", version = 3, upcast = { [1] = up } } end,
      here("%d+: .*events%.Priced: upcast%[2%] is missing, from version 2 to 3"))
    raises(function() priced { description = "x", version = 2 } end, "upcast%[1%] is missing")
    raises(function() priced { description = "x", version = 2, upcast = { up, up } } end,
      "upcast%[2%] leads nowhere: the version is 2")
  end)

  it("come upcast to views and sagas that name the decider", function()
    local view = fstore.view {
      name = "prices", decider = price, initial_state = {},
      key = function(event) return tostring(event.data.cents) end,
      evolve = { Priced = function(_, event) return { cents = event.data.cents } end },
    }
    local event = { event = "Priced", decider = "Price", event_version = 1, data = { euros = 3 } }
    assert.are.same({ cents = 300 }, view:apply(nil, event))
    assert.are.equal("300", view.key(event))
    local saga = fstore.saga {
      name = "pricing", decider = price:map_command(function() return nil end),
      react = { Priced = function(happened) assert.are.equal(300, happened.data.cents) end },
    }
    assert.are.same({}, saga:react(event))
  end)
end)

describe("combined deciders", function()
  local function named(name, command)
    return fstore.decider {
      name = name, events = { Done = "done" }, initial_state = { n = 0 },
      decide = { [command] = function() return { { event = "Done" } } end },
      evolve = { Done = function(state) return { n = state.n + 1 } end },
    }
  end

  local both = fstore.combine(named("A", "DoA"), named("B", "DoB"))

  it("publish each event to the stream of the decider that decided", function()
    assert.are.equal("B", both:decide({ command = "DoB" }, both:initial())[1].decider)
    assert.are.same({ A = { n = 0 }, B = { n = 1 } }, both:evolve(both:initial(), { event = "Done", decider = "B" }))
  end)

  it("must not share a name or a command", function()
    raises(function() fstore.combine(named("A", "DoA"), named("A", "DoB")) end,
      here("%d+: .*two deciders are named A"))
    raises(function() fstore.combine(named("A", "Do"), named("B", "Do")) end,
      here("%d+: .*A and B both know the command Do"))
  end)

  it("are combined with their like alone", function()
    raises(function() fstore.combine(both, fstore.view { name = "v", on = {} }) end,
      here("%d+: .*argument 2 is not of the kind of the first"))
    raises(function() fstore.combine {} end, "deciders, views or sagas expected")
  end)

  it("must be mapped one by one when their events get other names", function()
    local function same(event) return event end
    raises(function() both:dimap_event(same, same, { Other = "x" }) end, "map each of them, then combine")
  end)
end)

it("a decider whose events are mapped declares the new ones", function()
  local english = answering(function() return { { event = "Done", data = { n = 1 } } } end,
    { Done = function(state, event) state.n = event.data.n return state end })
  local german = english:dimap_event(
    function(event) return { event = "Done", data = { n = event.data.zahl } } end,
    function(event) return { event = "Getan", data = { zahl = event.data.n } } end,
    { Getan = { description = "es wurde getan", version = 2, upcast = { function(data) return data end } } })
  local events = german:decide(DO, german:initial())
  assert.are.equal("Getan", events[1].event)
  assert.are.equal(2, events[1].event_version)
  assert.are.same({ n = 1 }, german:evolve({}, events[1]))
end)
