local core = require "fstore.core"
local store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("I9: what a handler writes and its progress are one transaction", function()
  local client = store.shared()
  local handler, id, chain, view
  local views = 0

  before_each(function()
    views, id, handler = views + 1, uuid(), client()
    view = "v" .. views
    handler:query("DROP TABLE IF EXISTS model; CREATE TABLE model (\"offset\" bigint)")
    assert(handler:call("register_view", view, "infinity"))
    chain = handler:append_chain(id, 5)
  end)

  -- The read model, which is here a fold of the log if it holds each offset once, in order.
  local function model()
    local offsets = {}
    local reader <close> = client()
    for i, row in ipairs(reader:query("SELECT * FROM model ORDER BY ctid")) do offsets[i] = row.offset end
    return offsets
  end

  local function log()
    local offsets = {}
    for i, event in ipairs(chain) do offsets[i] = event.offset end
    return offsets
  end

  -- One turn of a handler; `crash_at` names the step before which its session ends.
  local function handle(crash_at)
    local session = client()
    local events = session:lease(view, 2, 0)
    local function step(name)
      if name == crash_at then session:query("SELECT pg_terminate_backend(pg_backend_pid())") end
    end
    local ok = pcall(function()
      step "begin"
      session:query("BEGIN")
      for _, event in ipairs(events) do
        step "write"
        session:query('INSERT INTO model VALUES ($1)', event.offset)
      end
      step "ack"
      local last = events[#events]
      local accepted = not last or session:ack(view, last)
      step "commit"
      session:query(accepted and "COMMIT" or "ROLLBACK")
    end)
    session:close()
    return ok, #events
  end

  it("whenever the session dies, each event is applied exactly once", function()
    for _, moment in ipairs { "begin", "write", "ack", "commit" } do
      assert.is_false((handle(moment)))
      assert.is_true((handle()))
    end
    repeat local _, count = handle() until count == 0
    assert.same(log(), model())
  end)

  it("a handler whose lease was taken meanwhile learns it from its ack, and rolls back", function()
    local slow, other = client(), client()
    local mine = slow:lease(view, 100, 0)
    slow:query("BEGIN")
    for _, event in ipairs(mine) do slow:query("INSERT INTO model VALUES ($1)", event.offset) end
    local theirs = other:lease(view)
    assert.equal(5, #theirs)
    assert.is_false(slow:ack(view, mine[5]))
    slow:query("ROLLBACK")
    other:query("BEGIN")
    for _, event in ipairs(theirs) do other:query("INSERT INTO model VALUES ($1)", event.offset) end
    assert.is_true(other:ack(view, theirs[5]))
    other:query("COMMIT")
    assert.same(log(), model())
  end)

  it("a lease cannot be taken while its ack is not committed", function()
    local slow, other = client(), client()
    local mine = slow:lease(view, 100, 0)
    slow:query("BEGIN")
    assert.is_true(slow:ack(view, mine[5]))
    assert.same({}, other:lease(view))
    slow:query("ROLLBACK")
    assert.equal(5, #other:lease(view))
  end)

  it("lease, writes and ack may be one transaction too", function()
    local session = client()
    for _, ending in ipairs { "ROLLBACK", "COMMIT" } do
      session:query("BEGIN")
      local events = session:lease(view)
      for _, event in ipairs(events) do session:query("INSERT INTO model VALUES ($1)", event.offset) end
      assert.is_true(session:ack(view, events[#events]))
      assert.same({}, session:lease(view))
      session:query(ending)
    end
    assert.same(log(), model())
  end)
end)
