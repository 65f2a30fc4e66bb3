-- What `fstore-lua push` makes of answers that are not simply 2xx: the event is put off, its partition waits, no other.
local fixture = require "spec.push.fixture"
local host = require "spec.support.host"
local json = require "fstore.core".json
local receiver = require "spec.push.receiver"

describe("push", function()
  local store, target
  before_each(function()
    store = fixture.open()
  end)
  after_each(function()
    store:close()
    target:close()
  end)

  -- A receiver that does as told with the first request of each partition, and answers 200 to the others.
  local function start(first)
    target = receiver.start(function(request)
      if #target:of(request.event.decider_id) == 1 then
        first(request)
      else
        request:answer(200)
      end
    end)
    store:register(target.url)
  end

  -- The lines of the log that are chosen.
  local function log_of(running, chosen)
    local lines = {}
    for text in running.messages.text:gmatch("[^\n]+") do
      local line = assert(json.decode(text))
      lines[#lines + 1] = chosen(line) and line or nil
    end
    return lines
  end

  -- Milliseconds between the first two requests of a partition.
  local function pause_of(decider_id)
    local requests = target:of(decider_id)
    return requests[2].at - requests[1].at
  end

  local FAULTS <const> = {
    { "answered 500: it is broken", function(request) request:answer(500, nil, "it is broken\nand more") end },
    { "answered 404", function(request) request:answer(404) end },
    { "answered 503", function(request) request:answer(503) end },
    { "answered 429", function(request) request:answer(429, { ["Retry-After"] = "nonsense" }) end },
    { "answered 302, redirects are not followed", function(request)
      request:answer(302, { Location = ("http://127.0.0.1:%d/elsewhere"):format(target.port) })
    end },
    { "timed out", function() end },
    { "timed out", function(request) request:write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwa") end },
    { "reset by peer", function(request) request:close(true) end },
    { "Empty reply", function(request) request:close() end },
    { "transfer closed", function(request)
      request:write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
      request:close()
    end },
    { "HTTP/0.9", function(request)
      request:write("nonsense, \1\255 no HTTP at all\r\n\r\n")
      request:close()
    end },
    { "answered 500: \239\191\189ok", function(request) request:answer(500, nil, "\239\191\189ok\255\0") end },
  }

  it("tries again later after a failure of any sort; no other partition waits", function()
    local fault_of = {}
    start(function(request)
      local fault = fault_of[request.event.decider_id]
      if fault then
        fault[2](request)
      else
        request:answer(200)
      end
    end)
    local ids = store:append_many(#FAULTS, 2)
    for index, id in ipairs(ids) do
      fault_of[id] = FAULTS[index]
    end
    local well = store:append_many(5, 3)
    local running = store:push { "--timeout", "1", "--concurrency", "64", "--log", "json" }
    store:wait_until_done()
    local slowest = 0
    for _, id in ipairs(well) do
      slowest = math.max(slowest, target:of(id)[3].at)
    end
    for index, id in ipairs(ids) do
      local requests = target:of(id)
      assert.same({ 1, 1, 2 }, { requests[1].event.data.n, requests[2].event.data.n, requests[3].event.data.n })
      assert.is_true(requests[2].at > slowest)
      assert.equal(requests[1].headers["webhook-id"], requests[2].headers["webhook-id"])
      local said = log_of(running, function(line) return line.partition == id end)[1]
      assert.same({ "failed", "orders", 1 }, { said.message, said.view, said.attempt })
      assert.matches(FAULTS[index][1], said.error, 1, true)
      assert.matches("http://127.0.0.1:" .. target.port, said.error, 1, true)
    end
    for _, request in ipairs(target.requests) do
      assert.equal("/events", request.path)
    end
  end)

  it("waits longer after each failure, and records the error", function()
    target = receiver.start(function(request) request:answer(500, nil, "it is broken") end)
    store:register(target.url)
    local id = store:append()
    local running = store:push { "--log", "json" }
    running:wait_for_message('"attempt":2')
    local failures = log_of(running, function(line) return line.message == "failed" end)
    assert.is_true(pause_of(id) >= failures[1].retry_in_ms)
    for attempt, failure in ipairs(failures) do
      local least, most = 750 * 2 ^ (attempt - 1), 1250 * 2 ^ (attempt - 1)
      assert.is_true(failure.retry_in_ms >= least and failure.retry_in_ms <= most)
    end
    assert.equal(target.url:match("^http://[^/]*") .. " answered 500: it is broken", store:lock(id).last_error)
  end)

  it("parks a partition after the failures that its view allows; the others go on", function()
    target = receiver.start(function(request) request:answer(#target.requests == 1 and 500 or 200) end)
    store:register(target.url, { max_attempts = 1 })
    local bad = store:append(2)
    local running = store:push()
    running:wait_for_message("parked .* attempt=1 .*answered 500")
    local well = store:append(2)
    host.wait_for(function() return #target:of(well) == 2 end, "the others")
    host.wait_for(function() return store:lock(bad).parked_at end, "the partition to be parked")
    assert.matches("answered 500", store:lock(bad).last_error)
    assert.equal(1, #target:of(bad))
  end)

  it("waits as long as an answer 503 asks for, in seconds or as a date; other partitions go on", function()
    local asked = { "1" }
    start(function(request)
      local retry_after = table.remove(asked)
      request:answer(retry_after and 503 or 200, { ["Retry-After"] = retry_after })
    end)
    local by_seconds = store:append(2)
    store:push()
    host.wait_for(function() return #target.requests == 1 end, "the first request")
    asked[1] = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2)
    local by_date = store:append(2)
    host.wait_for(function() return #target.requests == 2 end, "the second request")
    local well = store:append(2)
    store:wait_until_done()
    assert.is_true(pause_of(by_seconds) >= 1000)
    assert.is_true(pause_of(by_date) >= 900)
    assert.is_true(target:of(well)[2].at < target:of(by_seconds)[2].at)
  end)

  it("sends nothing to a view whose receiver answers 429 until the time that it asks for", function()
    target = receiver.start(function(request)
      local is_first = #target.requests == 1
      request:answer(is_first and 429 or 200, { ["Retry-After"] = is_first and "1" or nil })
    end)
    store:register(target.url)
    local id = store:append()
    local running = store:push()
    running:wait_for_message("put off .*http://127.0.0.1:%d+ answered 429\" retry_in_ms=1000\n")
    store:append_many(5)
    store:wait_until_done()
    assert.equal(7, #target.requests)
    assert.is_true(target.requests[2].at - target.requests[1].at >= 1000)
    assert.is_nil(store:lock(id).last_error)
  end)

  it("reads an endless answer only so far: its status counts", function()
    local writes = 0
    target = receiver.start(function(request)
      request:write("HTTP/1.1 200 OK\r\n\r\n")
      local function pour()
        writes = writes + 1
        if writes < 10000 and not request.output:is_closing() then
          request.output:write(("x"):rep(65536), pour)
        end
      end
      pour()
    end)
    store:register(target.url)
    store:append()
    store:push()
    store:wait_until_done()
    assert.is_true(writes < 1000)
    assert.equal(1, #target.requests)
  end)

  it("lets a request last no longer than the lease", function()
    start(function() end)
    store:register(target.url, { lock_timeout_s = 1 })
    local id = store:append()
    local running = store:push()
    store:wait_until_done()
    assert.matches("timed out after 1?%d%d%d milliseconds", running.messages.text)
    assert.equal(2, #target:of(id))
  end)

  it("does not ack what it was answered after another consumer took the lease", function()
    local held
    target = receiver.start(function(request) held = request end)
    store:register(target.url)
    local id = store:append()
    local running = store:push()
    host.wait_for(function() return held end, "the request")
    assert(store.conn:exec("BEGIN; UPDATE fstore.locks SET locked_until = now()")) -- in one: push looks for events too
    local other = assert(store.conn:lease_events("orders"))[1]
    assert(store.conn:exec("COMMIT"))
    held:answer(200)
    running:wait_for_message("acked too late.* view=orders\n")
    assert.same({ 0, true }, { store:lock(id).last_offset, store:lock(id).is_held })
    assert.equal(1, store.conn:ack_events("orders", { other }))
  end)

  it("says once that a URL is none, and shows nothing of it", function()
    target = receiver.start(function(request) request:answer(200) end)
    store:register("https//user:secret@receiver/secret")
    store:register("ftp://user:secret@receiver/secret", { view = "old" })
    store:register(target.url, { view = "good" })
    store:append(3)
    local running = store:push()
    store:wait_until_done("good")
    host.wait_for(function() return #target.requests == 3 end, "the good view")
    running:signal("sigterm")
    local said = running:wait().err
    assert.matches(("pushing view=good receiver=http://127.0.0.1:%d\n"):format(target.port), said, 1, true)
    assert.matches('nothing is pushed view=orders error="its edge_function_url is not a URL"\n', said, 1, true)
    assert.matches('nothing is pushed view=old error="its edge_function_url is neither http nor https"', said, 1, true)
    assert.same({ 2, nil }, { select(2, said:gsub("nothing is pushed", "")), said:match("secret") })
  end)
end)
