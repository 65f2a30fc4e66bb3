-- Views that keep a document per key.
local core = require "fstore.core"
local database = require "spec.support.database"
local fstore = require "fstore"

describe("a view of documents", function()
  local db, store
  before_each(function()
    db = database.fresh()
    store = assert(fstore.connect(db))
    assert(store:register_decider_event("Counter", "Added", "a number was added"))
    assert(store:register_decider_event("Counter", "Cleared", "all is gone"))
  end)
  after_each(function()
    store:close()
    database.drop(db)
  end)

  local function append(key, n, event)
    assert(store:append_event {
      decider = "Counter", decider_id = core.uuid.v4(), event = event or "Added", data = { key = key, n = n },
      command_id = core.uuid.v4(),
    })
  end

  local function definition(more)
    local made = {
      name = "sums", start_at = "-infinity", table = "sums", initial_state = { sum = 0, list = fstore.json.array {} },
      key = function(event) return event.data.key end,
      evolve = {
        Added = function(document, event)
          document.sum = document.sum + event.data.n
          return document
        end,
        Cleared = function() return nil end,
      },
    }
    for key, value in pairs(more or {}) do
      made[key] = value
    end
    return made
  end

  local function projector(more, on)
    local made = fstore.projector(on or store, fstore.view(definition(more)))
    assert(made:prepare())
    return made
  end

  local function documents()
    return database.query(db, [[
      set search_path = fstore, public; select string_agg(key || ' ' || document, ', ' order by key) from sums]])
  end

  it("folds each key's events into one document", function()
    append("a", 1)
    append("b", 10)
    append("a", 2)
    assert.equal(3, projector():step().handled)
    append("a", 4)
    projector():step()
    assert.equal('a {"sum": 7, "list": []}, b {"sum": 10, "list": []}', documents())
  end)

  it("deletes the document when evolve returns nil, and starts anew behind that", function()
    append("a", 1)
    append("b", 1)
    projector():step()
    append("a", 0, "Cleared")
    append("b", 0, "Cleared")
    append("b", 5)
    append("c", 0, "Cleared")
    projector():step()
    assert.equal('b {"sum": 5, "list": []}', documents())
  end)

  it("leaves events without a key alone", function()
    append(nil, 1)
    append("a", 2)
    assert.equal(2, projector():step().handled)
    assert.equal('a {"sum": 2, "list": []}', documents())
  end)

  it("names the document after the decider_id unless told otherwise", function()
    append("x", 1)
    local made = definition()
    made.key = nil
    local it = fstore.projector(store, fstore.view(made))
    assert(it:prepare())
    it:step()
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+ {", documents())
  end)

  it("keeps keys and documents of any text", function()
    local key = "it's \"€\\\n" .. ("k"):rep(500)
    append(key, 1)
    projector():step()
    assert.equal(key, store:exec("select key from fstore.sums")[1].key)
  end)

  it("holds up its partition alone when evolve or key fails", function()
    append("a", 1)
    append("bad", "no number")
    append(7, 1)
    append("b", 2)
    local step = projector():step()
    local reasons = {}
    for index, failure in ipairs(step.failures) do
      reasons[index] = failure.error.message
    end
    assert.equal(2, step.handled)
    assert.equal(2, #reasons)
    assert.matches("documents_spec%.lua:%d+: attempt to ", reasons[1])
    assert.matches("view sums: key must return a string or nil, not a number", reasons[2])
    assert.equal('a {"sum": 1, "list": []}, b {"sum": 2, "list": []}', documents())
  end)

  it("refuses documents that JSON cannot hold", function()
    append("a", 1)
    local step = projector({ evolve = { Added = function() return { f = print } end } }):step()
    assert.same({ 0, 1 }, { step.handled, #step.failures })
    assert.matches("function", step.failures[1].error.message)
  end)

  it("loses nothing of a key that partitions share, with two projectors at once", function()
    local other <close> = assert(fstore.connect(db))
    for _ = 1, 4 do
      append("shared", 1)
    end
    local has_tried = false
    local outer = projector({ evolve = { Added = function(document, event)
      document.sum = document.sum + event.data.n
      if not has_tried then
        -- While this one holds the document, the other comes for it, and waits.
        has_tried = true
        assert(other:exec("set lock_timeout = '100ms'"))
        local failed = fstore.projector(other, fstore.view(definition())):step()
        assert.equal(0, failed.handled)
        assert.is_true(#failed.failures > 0)
        assert(other:exec("set lock_timeout = 0"))
      end
      return document
    end } })
    outer = fstore.projector(store, outer.view, { limit = 2 })
    assert.equal(2, assert(outer:step()).handled)
    database.query(db, "update fstore.locks set locked_until = now()")
    local again = fstore.projector(other, fstore.view(definition()))
    assert.equal(1, assert(again:step()).handled) -- what failed before is handled one by one
    assert.equal(1, assert(again:step()).handled)
    assert.equal('shared {"sum": 4, "list": []}', documents())
  end)
end)
