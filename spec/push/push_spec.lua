-- What `fstore-lua push` sends, when, and in which order.
local core = require "fstore.core"
local fixture = require "spec.push.fixture"
local host = require "spec.support.host"
local receiver = require "spec.push.receiver"

local function answer_200(request)
  request:answer(200)
end

describe("push", function()
  local store, target
  before_each(function()
    store = fixture.open()
  end)
  after_each(function()
    store:close()
    target:close()
  end)

  local function numbers_of(decider_id)
    local numbers = {}
    for index, request in ipairs(target:of(decider_id)) do
      numbers[index] = request.event.data.n
    end
    return numbers
  end

  local function count_to(n)
    local numbers = {}
    for number = 1, n do
      numbers[number] = number
    end
    return numbers
  end

  local function wait_for_requests(count)
    host.wait_for(function() return #target.requests >= count end, count .. " requests")
  end

  it("sends an event as JSON with all that is known of it, nothing lost", function()
    target = receiver.start(answer_200)
    store:register(target.url)
    local id, command_id = core.uuid.v4(), core.uuid.v4()
    local data = {
      large = 9007199254740993, float = 1.0, text = "päckchen \"1\"", list = core.json.array(), none = core.json.null,
    }
    local stored = assert(store.conn:append_events {
      { event = "Placed", decider = "Order", decider_id = id, data = data, command_id = command_id },
    })[1]
    store:push()
    store:wait_until_done()
    local request = target.requests[1]
    assert.same({ "POST", "/events", "application/json" },
      { request.method, request.path, request.headers["content-type"] })
    assert.same({
      view = "orders", decider = "Order", decider_id = id, offset = stored.offset, event = "Placed",
      event_id = stored.event_id, event_version = 1, command_id = command_id, previous_id = core.json.null,
      final = false, created_at = stored.created_at, data = data,
    }, request.event)
    assert.equal("float", math.type(request.event.data.float))
    assert.equal(1, #target.requests)
  end)

  it("keeps a partition in order, many partitions going at a time, each event once", function()
    local at_once, most = 0, 0
    target = receiver.start(function(request)
      at_once = at_once + 1
      most = math.max(most, at_once)
      local timer = require "luv".new_timer()
      timer:start(math.random(0, 8), 0, function()
        timer:close()
        at_once = at_once - 1
        request:answer(200)
      end)
    end)
    store:register(target.url)
    local ids = store:append_many(12, 8)
    store:push { "--concurrency", "4" }
    store:wait_until_done()
    for _, id in ipairs(ids) do
      assert.same(count_to(8), numbers_of(id))
    end
    assert.equal(4, most)
    assert.is_true(target.connections <= 4, target.connections .. " connections")
  end)

  it("keeps a connection from one request to the next", function()
    target = receiver.start(answer_200)
    store:register(target.url)
    store:append(30)
    store:push()
    store:wait_until_done()
    assert.same({ 30, 1 }, { #target.requests, target.connections })
  end)

  it("sends what is appended at once, however long the view's delay is", function()
    target = receiver.start(answer_200)
    store:register(target.url, { pooling_delay_s = 3600 })
    store:push()
    for _ = 1, 3 do
      store:append(2)
      store:wait_until_done()
    end
    assert.equal(6, #target.requests)
  end)

  it("leaves an event answered with 202 to the receiver, who acks it through SQL", function()
    target = receiver.start(function(request) request:answer(202) end)
    store:register(target.url)
    local id = store:append(2)
    local running = store:push()
    wait_for_requests(1)
    host.wait_for(function() return store:lock(id).is_held end, "the lease")
    local first = target.requests[1].event
    assert(store.conn:ack_event("orders", id, first.offset))
    wait_for_requests(2)
    assert.same({ 1, 2 }, numbers_of(id))
    running:signal("sigterm")
    assert.matches("stopped delivered=0 failed=0 left=2 put_off=0\n", running:wait().err)
    assert.is_true(store:lock(id).is_held)
  end)

  it("sends an event answered with 202 again when the receiver lets the lease run out", function()
    target = receiver.start(function(request) request:answer(#target.requests == 1 and 202 or 200) end)
    store:register(target.url, { lock_timeout_s = 1 })
    local id = store:append(2)
    store:push()
    store:wait_until_done()
    assert.same({ 1, 1, 2 }, numbers_of(id))
  end)

  it("notices views that come, change their URL, and go", function()
    local second = receiver.start(answer_200)
    target = receiver.start(answer_200)
    store:register(target.url, { view = "other", edge_function_url = nil })
    assert(store.conn:exec("UPDATE fstore.views SET edge_function_url = NULL"))
    store:push()
    store:append()
    store:register(target.url)
    store:wait_until_done()
    assert.same({ 1, 0 }, { #target.requests, #second.requests })
    store:register(second.url)
    host.wait_for(function()
      store:append()
      store:wait_until_done()
      return #second.requests > 0
    end, "the new URL")
    assert(store.conn:exec("DELETE FROM fstore.views WHERE view = 'orders'"))
    store:register(target.url, { view = "other" })
    store:wait_until_done("other")
    assert.equal("other", target.requests[#target.requests].event.view)
    second:close()
  end)

  it("serves only the views that it is told to", function()
    target = receiver.start(answer_200)
    store:register(target.url)
    store:register(target.url, { view = "other" })
    store:append_many(3)
    store:push { "other" }
    store:wait_until_done("other")
    assert.same({ 3, 3 }, { #target.requests, store:pending("orders") })
  end)

  it("goes on with one view while the receiver of another hangs", function()
    target = receiver.start(answer_200)
    local hanging = receiver.start(function() end)
    store:register(hanging.url, { view = "hanging" })
    store:register(target.url)
    store:append_many(20, 2)
    store:push { "--concurrency", "8" }
    store:wait_until_done("orders")
    assert.equal(8, #hanging.requests)
    hanging:close()
  end)
end)
