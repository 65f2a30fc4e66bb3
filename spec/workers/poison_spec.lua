-- Events that no handler survives: they stop their own partition only, and are parked with what went wrong.
local database = require "spec.support.database"
local host = require "spec.support.host"
local workers = require "spec.support.workers"

describe("a poison event", function()
  local store, db
  before_each(function()
    db = database.fresh()
    store = workers.store(db)
  end)
  after_each(function()
    database.drop(db)
  end)

  -- A view that sums what it is given, but for the number 2.
  local function view(options, poison)
    return host.file("poison.lua", ([[
      return require "fstore".view { name = "sums", start_at = "-infinity", %s,
        setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
        on = { Added = function(event, db)
          if event.data.n == 2 then %s end
          db:exec("insert into sums values ($1, $2, 1) on conflict (id) do update set sum = sums.sum + excluded.sum, "
            .. "count = sums.count + 1", event.decider_id, event.data.n)
        end } }]]):format(options, poison))
  end

  -- Four partitions of two events each; that of the number 2 is parked, the others are handled.
  local function is_parked(path, pattern)
    store:add(8, 4)
    local running = store:project(path)
    store:wait_for("select exists (select from locks where parked_at is not null)", "the parking")
    store:wait_until_done()
    assert.equal(0, workers.stop(running).code)
    assert.equal("1,3,4,5,7,8", store:query [[select string_agg(n, ',' order by n) from (
      select data->>'n' as n from events as e join locks as l using (decider_id)
      where e."offset" <= l.last_offset) as handled]])
    assert.equal("28|6", store:query "select sum(sum), sum(count) from sums")
    local last_error = store:query "select last_error from locks where parked_at is not null"
    assert.matches("^Added at offset 2 %(event_id %x+%-[%x-]+%), attempt %d: " .. pattern, last_error)
  end

  it("that raises is retried, then parked with its traceback", function()
    is_parked(view("max_attempts = 2", "error('no good')"),
      "[^\n]*poison%.lua:%d+: no good\nstack traceback:\n.*poison%.lua")
  end)

  it("whose statement hangs is ended when its lease ends", function()
    is_parked(view("max_attempts = 1, lock_timeout_s = 1", "db:exec('select pg_sleep(1000)')"),
      "ended after the 1 s that a lease of view sums lasts\n  detail: .*poison%.lua:%d+")
  end)

  it("whose script hangs is ended when its lease ends", function()
    is_parked(view("max_attempts = 1, lock_timeout_s = 1", "while true do end"),
      "ended after the 1 s that a lease of view sums lasts\n  detail: .*poison%.lua:%d+")
  end)

  it("that hangs where nothing can end it is ended with its worker", function()
    is_parked(view("max_attempts = 1, lock_timeout_s = 1", "('a'):rep(90):find(('a-'):rep(90) .. 'b')"),
      "its consumer was lost, or its lease ran out, before it answered")
  end)

  it("that ends the worker's session is handled by itself, and parked", function()
    is_parked(view("max_attempts = 2", "db:exec('select pg_terminate_backend(pg_backend_pid())')"),
      "its consumer was lost, or its lease ran out, before it answered")
  end)

  it("does not stop another view", function()
    store:add(10)
    local broken = host.file("broken.lua", [[
      return require "fstore".view { name = "broken", start_at = "-infinity",
        on = { Added = function() error("never") end } }]])
    local running = store:project(broken, workers.SUMS)
    store:wait_until_view_is_done "sums"
    assert.equal(0, workers.stop(running).code)
    store:check()
  end)
end)

describe("a lease", function()
  local store, db
  before_each(function()
    db = database.fresh()
    store = workers.store(db)
  end)
  after_each(function()
    database.drop(db)
  end)

  it("is extended while its events are worked on, longer than it lasts", function()
    store:add(8, 2)
    local path = host.file("long.lua", [[
      return require "fstore".view { name = "sums", start_at = "-infinity", lock_timeout_s = 1,
        setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
        on = { Added = function(event, db)
          db:exec("insert into sums values ($1, $2, 1) on conflict (id) do update set sum = sums.sum + excluded.sum, "
            .. "count = sums.count + 1", event.decider_id, event.data.n)
          db:exec("select pg_sleep(0.3)")
        end } }]])
    local result = host.run({ "project", "--once", path }, { db = db })
    assert.equal("8 events handled, 0 failures\n", result.err)
    assert.equal("1|1", store:query "select min(token), max(token) from locks") -- one lease
    store:check()
  end)
end)
