-- The algebra of deciders, views and sagas: identity, composition, associativity, over generated values.
local fstore = require "fstore"
local random = require "fstore.testing.random"
local value = require "fstore.model.value"

local RUNS <const> = 50
local STEPS <const> = 15

-- Counts up to a limit, in steps; refuses to go beyond.
local function counter(name, limit)
  return fstore.decider {
    name = name,
    events = { [name .. "Added"] = "added", [name .. "Reset"] = "set to zero" },
    initial_state = { count = 0, adds = 0 },
    decide = {
      ["Add" .. name] = function(command, state)
        local amount = command.data.amount
        if state.count + amount > limit then return nil, { limit = limit, count = state.count } end
        local events = {}
        for index = 1, amount do events[index] = { event = name .. "Added", data = { amount = 1 } } end
        return events
      end,
      ["Reset" .. name] = function() return { { event = name .. "Reset" } } end,
    },
    evolve = {
      [name .. "Added"] = function(state, event)
        state.count, state.adds = state.count + event.data.amount, state.adds + 1
        return state
      end,
      [name .. "Reset"] = function(state)
        state.count = 0
        return state
      end,
    },
  }
end

local A, B, C = counter("A", 7), counter("B", 11), counter("C", 5)

local function draw_command(dice, names)
  local name = dice:one_of(names)
  if dice:boolean() then return { command = "Add" .. name, data = { amount = dice:integer(0, 3) } } end
  return { command = "Reset" .. name, data = {} }
end

local function plain(events)
  local list = {}
  for index, event in ipairs(events or {}) do
    list[index] = { event = event.event, data = event.data, decider = event.decider, version = event.event_version }
  end
  return list
end

-- The same commands make the same history of both; `commands` draws one.
local function assert_same_deciders(one, other, commands)
  for seed = 1, RUNS do
    local dice = random.new(seed)
    local state, other_state = one:initial(), other:initial()
    assert.are.same(state, other_state)
    for _ = 1, STEPS do
      local command = commands(dice)
      assert.are.equal(one:owner(command), other:owner(command))
      if one:owner(command) then
        local events, reason = one:decide(command, state)
        local other_events, other_reason = other:decide(value.copy(command), other_state)
        assert.are.same(plain(events), plain(other_events))
        assert.are.same(reason, other_reason)
        for index, event in ipairs(events or {}) do
          state = one:evolve(state, event)
          other_state = other:evolve(other_state, other_events[index])
        end
        assert.are.same(state, other_state)
      end
    end
  end
end

local function of_names(...)
  local names = { ... }
  return function(dice) return draw_command(dice, names) end
end

local function identity(item) return item end

local function compose(f, g)
  return function(item) return f(g(item)) end
end

-- Some mappings of commands, and pairs of mappings that undo each other.
local function more(by)
  return function(command)
    if command.command ~= "AddA" then return command end
    return { command = "AddA", data = { amount = command.data.amount + by } }
  end
end

local function to_a(command)
  return { command = command.command:gsub("B$", "A"), data = command.data }
end

local function scaled(by)
  return function(state) return { count = state.count // by, adds = state.adds } end,
    function(state) return { count = state.count * by, adds = state.adds } end
end

local function shifted(by)
  return function(event) return { event = event.event, data = { amount = (event.data.amount or 0) - by } } end,
    function(event) return { event = event.event, data = { amount = (event.data.amount or 0) + by } } end
end

describe("the laws of deciders", function()
  it("map_command: identity", function()
    assert_same_deciders(A:map_command(identity), A, of_names("A", "B"))
  end)

  it("map_command: composition", function()
    assert_same_deciders(A:map_command(more(1)):map_command(to_a), A:map_command(compose(more(1), to_a)),
      of_names("A", "B"))
  end)

  it("dimap_event: identity", function()
    assert_same_deciders(A:dimap_event(identity, identity), A, of_names("A"))
  end)

  it("dimap_event: composition", function()
    local in1, out1 = shifted(3)
    local in2, out2 = shifted(4)
    assert_same_deciders(A:dimap_event(in1, out1):dimap_event(in2, out2),
      A:dimap_event(compose(in1, in2), compose(out2, out1)), of_names("A"))
  end)

  it("dimap_event: events that go out come in again", function()
    local inward, outward = shifted(5)
    local mapped, state, other_state = A:dimap_event(inward, outward), A:initial(), A:initial()
    for seed = 1, RUNS do
      local command = draw_command(random.new(seed), { "A" })
      for _, event in ipairs(A:decide(command, state) or {}) do state = A:evolve(state, event) end
      for _, event in ipairs(mapped:decide(command, other_state) or {}) do
        other_state = mapped:evolve(other_state, event)
      end
      assert.are.same(state, other_state)
    end
  end)

  it("dimap_state: identity", function()
    assert_same_deciders(A:dimap_state(identity, identity), A, of_names("A"))
  end)

  it("dimap_state: composition", function()
    local in1, out1 = scaled(2)
    local in2, out2 = scaled(5)
    assert_same_deciders(A:dimap_state(in1, out1):dimap_state(in2, out2),
      A:dimap_state(compose(in1, in2), compose(out2, out1)), of_names("A"))
  end)

  it("combine: associativity", function()
    local draw = of_names("A", "B", "C")
    assert_same_deciders(fstore.combine(fstore.combine(A, B), C), fstore.combine(A, fstore.combine(B, C)), draw)
    assert_same_deciders(fstore.combine(A, B, C), fstore.combine(fstore.combine(A, B), C), draw)
  end)

  it("combine: the order does not matter, and one alone is itself", function()
    assert_same_deciders(fstore.combine(A, B), fstore.combine(B, A), of_names("A", "B"))
    assert.are.equal(A, fstore.combine(A))
  end)

  it("combine: the state is the product, each part as it would be alone", function()
    local both, alone = fstore.combine(A, B), { A = A:initial(), B = B:initial() }
    local state = both:initial()
    for seed = 1, RUNS do
      local command = draw_command(random.new(seed), { "A", "B" })
      local part = both:owner(command) == "A" and A or B
      for _, event in ipairs(both:decide(command, state) or {}) do
        state, alone[part.name] = both:evolve(state, event), part:evolve(alone[part.name], event)
      end
      assert.are.same(alone, state)
    end
  end)

  it("combine: mapping the parts is mapping the whole", function()
    local inward, outward = scaled(3)
    local function on_a(map)
      return function(state) return { A = map(state.A), B = state.B } end
    end
    assert_same_deciders(fstore.combine(A:dimap_state(inward, outward), B),
      fstore.combine(A, B):dimap_state(on_a(inward), on_a(outward)), of_names("A", "B"))
  end)
end)

local function tally(name, event)
  return fstore.view {
    name = name, initial_state = { seen = 0 },
    evolve = {
      [event] = function(document, happened)
        document.seen = document.seen + happened.data.amount
        return document
      end,
      Cleared = function() return nil end,
    },
  }
end

local P, Q, R = tally("p", "Added"), tally("q", "Removed"), tally("r", "Added")

local function draw_event(dice)
  local name = dice:one_of { "Added", "Removed", "Cleared", "Ignored" }
  return { event = name, decider_id = "some id", data = { amount = dice:integer(1, 9) } }
end

local function assert_same_views(one, other)
  for seed = 1, RUNS do
    local dice, document, other_document = random.new(seed), nil, nil
    assert.are.same(one:initial(), other:initial())
    for _ = 1, STEPS do
      local event = draw_event(dice)
      document, other_document = one:apply(document, event), other:apply(other_document, event)
      assert.are.same(document, other_document)
      assert.are.equal(one:handles(event.event) and one.key(event), other:handles(event.event) and other.key(event))
    end
  end
end

local function as_added(event)
  if event.event == "Removed" then return { event = "Added", data = { amount = -event.data.amount } } end
  return event.event ~= "Ignored" and event or nil
end

local function double(event)
  return { event = event.event, data = { amount = event.data.amount * 2 } }
end

local function seen_plus(by)
  return function(document) return { seen = document.seen - by } end,
    function(document) return { seen = document.seen + by } end
end

describe("the laws of views", function()
  it("map_event: identity", function()
    local mapped = P:map_event(identity)
    for seed = 1, RUNS do
      local dice, document, other_document = random.new(seed), nil, nil
      for _ = 1, STEPS do
        local event = draw_event(dice)
        document, other_document = P:apply(document, event), mapped:apply(other_document, event)
        assert.are.same(document, other_document)
      end
    end
  end)

  it("map_event: composition", function()
    assert_same_views(P:map_event(double):map_event(as_added), P:map_event(function(event)
      local added = as_added(event)
      return added and double(added)
    end))
  end)

  it("dimap_state: identity", function()
    assert_same_views(P:dimap_state(identity, identity), P)
  end)

  it("dimap_state: composition", function()
    local in1, out1 = seen_plus(10)
    local in2, out2 = seen_plus(7)
    assert_same_views(P:dimap_state(in1, out1):dimap_state(in2, out2),
      P:dimap_state(compose(in1, in2), compose(out2, out1)))
  end)

  it("combine: associativity", function()
    assert_same_views(fstore.combine(fstore.combine(P, Q), R), fstore.combine(P, fstore.combine(Q, R)))
    assert_same_views(fstore.combine(P, Q, R), fstore.combine(fstore.combine(P, Q), R))
    assert.are.equal("p_q_r", fstore.combine(P, fstore.combine(Q, R)).name)
  end)

  it("combine: the document is the product, each part as it would be alone", function()
    local both, document, p, q = fstore.combine(P, Q), nil, nil, nil
    for seed = 1, RUNS do
      local event = draw_event(random.new(seed))
      document, p, q = both:apply(document, event), P:apply(p, event), Q:apply(q, event)
      assert.are.same((p or q) and { p = p, q = q }, document)
    end
  end)
end)

local function forward(name, event, command)
  return fstore.saga {
    name = name,
    react = { [event] = function(happened)
      return { { command = command, decider_id = "some-key", data = happened.data } }
    end },
  }
end

local X, Y, Z = forward("x", "Added", "Book"), forward("y", "Added", "Bill"), forward("z", "Removed", "Refund")

local function assert_same_sagas(one, other)
  for seed = 1, RUNS do
    local event = draw_event(random.new(seed))
    assert.are.same(one:react(event), other:react(event))
  end
end

describe("the laws of sagas", function()
  local function renamed(command) return { command = command.command .. "2" } end
  local function doubled(command) return { data = { amount = command.data.amount * 2 } } end

  it("map_event: identity and composition", function()
    assert_same_sagas(X:map_event(identity), X)
    assert_same_sagas(X:map_event(double):map_event(as_added), X:map_event(function(event)
      local added = as_added(event)
      return added and double(added)
    end))
  end)

  it("map_command: identity and composition", function()
    assert_same_sagas(X:map_command(identity), X)
    assert_same_sagas(X:map_command(renamed):map_command(doubled), X:map_command(function(command)
      return { command = command.command .. "2", data = { amount = command.data.amount * 2 } }
    end))
  end)

  it("combine: associativity", function()
    assert_same_sagas(fstore.combine(fstore.combine(X, Y), Z), fstore.combine(X, fstore.combine(Y, Z)))
    assert_same_sagas(fstore.combine(X, Y, Z), fstore.combine(fstore.combine(X, Y), Z))
  end)

  it("combine: the commands of all", function()
    local issued = fstore.combine(X, Z, Y):react { event = "Added", data = { amount = 2 } }
    assert.are.same({ "Book", "Bill" }, { issued[1].command, issued[2].command })
  end)
end)
