-- How `fstore-lua push` ends, is ended, and goes on after the database was lost: at least once, and always in order.
local core = require "fstore.core"
local fixture = require "spec.push.fixture"
local host = require "spec.support.host"
local pusher = require "fstore.application.pusher"
local receiver = require "spec.push.receiver"
local store_module = require "fstore.store"
local uv = require "luv"

describe("push", function()
  local store, target
  before_each(function()
    store = fixture.open()
  end)
  after_each(function()
    store:close()
    target:close()
  end)

  local function wait_for_requests(count)
    host.wait_for(function() return #target.requests >= count end, count .. " requests")
  end

  -- Each event of each partition came, and after each came only itself again or its successor.
  local function assert_in_order(ids, count)
    for _, id in ipairs(ids) do
      local last = 0
      for _, request in ipairs(target:of(id)) do
        local n = request.event.data.n
        assert.is_true(n == last or n == last + 1, ("%d after %d"):format(n, last))
        last = n
      end
      assert.equal(count, last)
    end
  end

  for _, name in ipairs { "sigterm", "sigint" } do
    it("finishes on " .. name .. " what is in flight, begins nothing new, and exits 0", function()
      local held = {}
      target = receiver.start(function(request) held[#held + 1] = request end)
      store:register(target.url)
      local ids = store:append_many(4, 2)
      local running = store:push()
      wait_for_requests(4)
      running:signal(name)
      running:wait_for_message("stopping")
      for _, request in ipairs(held) do
        request:answer(200)
      end
      local result = running:wait()
      assert.equal(0, result.code)
      assert.matches("stopped delivered=4 failed=0", result.err)
      assert.equal(4, #target.requests)
      for _, id in ipairs(ids) do
        assert.same({ false, 0 }, { store:lock(id).is_held, store:lock(id).attempts })
      end
    end)
  end

  it("gives the leases back that are still in flight when its time is over", function()
    target = receiver.start(function() end)
    store:register(target.url)
    local id = store:append()
    local http, opened = core.http.client(), assert(store_module.connect(store.db))
    local one = pusher.new(opened, {
      http = http, now = function() return uv.hrtime() / 1e6 end, report = function() end,
    })
    assert(one:step())
    assert.is_true(store:lock(id).is_held)
    assert(one:finish(20))
    assert.is_false(store:lock(id).is_held)
    opened:close()
  end)

  it("ends at once on the second signal", function()
    target = receiver.start(function() end)
    store:register(target.url)
    store:append()
    local running = store:push()
    wait_for_requests(1)
    running:signal("sigterm")
    running:wait_for_message("stopping")
    running:signal("sigterm")
    assert.equal(143, running:wait().code)
  end)

  it("loses nothing and keeps the order when it is killed in the middle", function()
    target = receiver.start(function(request) request:answer_after(10, 200) end)
    store:register(target.url, { lock_timeout_s = 1 })
    local ids = store:append_many(6, 8)
    for round = 1, 2 do
      local running = store:push()
      wait_for_requests(round * 12)
      running:signal("sigkill")
      running:wait()
    end
    store:push()
    store:wait_until_done()
    assert_in_order(ids, 8)
  end)

  it("shares the partitions with another push, each event once and in order", function()
    target = receiver.start(function(request) request:answer_after(5, 200) end)
    store:register(target.url)
    local ids = store:append_many(8, 6)
    store:push()
    store:push()
    store:wait_until_done()
    assert_in_order(ids, 6)
    assert.equal(48, #target.requests)
  end)

  it("goes on after the database was lost; what was answered meanwhile is acked, and sent once", function()
    local held = {}
    target = receiver.start(function(request) held[#held + 1] = request end)
    store:register(target.url)
    local ids = store:append_many(3, 2)
    local running = store:push()
    wait_for_requests(3)
    assert(store.conn:exec([[
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'fstore-lua' AND datname = current_database() AND pid <> pg_backend_pid()]]))
    running:wait_for_message("waiting for the database")
    for _, request in ipairs(held) do
      request:answer(200)
    end
    running:wait_for_message("connected to the database again")
    target.handler = function(request) request:answer(200) end
    store:wait_until_done()
    assert_in_order(ids, 2)
    assert.equal(6, #target.requests)
    store:append(2) -- and it is woken as before
    store:wait_until_done()
  end)

  it("waits with growing pauses while there is no database, and ends when asked to", function()
    target = receiver.start(function(request) request:answer(200) end)
    store:register(target.url)
    local running = store:push { "--log", "json" }
    store:append()
    store:wait_until_done()
    local name = store.db:match("dbname=(%S+)")
    local database = require "spec.support.database"
    database.query(database.server(), ('alter database "%s" with allow_connections false'):format(name))
    database.query(database.server(), ([[select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '%s' and application_name = 'fstore-lua']]):format(name))
    running:wait_for_message("not currently accepting connections.*not currently accepting connections")
    running:signal("sigterm")
    local result = running:wait()
    assert.equal(0, result.code)
    local pauses = {}
    for pause in result.err:gmatch('"retry_in_ms":([%d.]+)') do
      pauses[#pauses + 1] = tonumber(pause)
    end
    assert.is_true(pauses[#pauses] > pauses[1], table.concat(pauses, " "))
    database.query(database.server(), ('alter database "%s" with allow_connections true'):format(name))
    store.conn = assert(core.connect(store.db))
  end)
end)
