-- Log lines: text for people, JSON for programs, one line each whatever they hold.
local json = require "fstore.core".json
local log = require "fstore.host.log"

describe("the log", function()
  local write, clock, lines = log.write, log.clock, nil

  before_each(function()
    lines = {}
    log.write = function(line) lines[#lines + 1] = line end
    log.clock = function() return 1795572062, 123456 end
  end)
  after_each(function()
    log.write, log.clock = write, clock
    log.use()
  end)

  local FAILED <const> = {
    level = "error", message = "failed", view = "orders", partition = "0f5e1e5a-8c0b-5f0a-9a53-6f73746f7265",
    event = "OrderPlaced", offset = 12, duration_ms = 3.14159, attempts = 2, error = "no good:\n\"x\" = 1",
  }

  it("writes text, the fields of an event first", function()
    log.event(FAILED)
    log.event { message = "handled", view = "the orders" }
    assert.same({
      "2026-11-25T02:01:02.123Z error   failed view=orders partition=0f5e1e5a-8c0b-5f0a-9a53-6f73746f7265"
        .. ' event=OrderPlaced offset=12 duration_ms=3.1 attempts=2 error="no good:\\n\\"x\\" = 1"',
      '2026-11-25T02:01:02.123Z info    handled view="the orders"',
    }, lines)
  end)

  it("writes JSON", function()
    log.use("json")
    log.event(FAILED)
    local expected = { at = "2026-11-25T02:01:02.123Z" }
    for field, value in pairs(FAILED) do
      expected[field] = value
    end
    assert.same(expected, json.decode(lines[1]))
  end)

  it("keeps to one line, in either format", function()
    for _, format in ipairs { "text", "json" } do
      log.use(format)
      log.event { message = "failed", error = "a\nb\r\27[2J", empty = "" }
      assert.is_nil(lines[#lines]:find("%c"))
    end
  end)

  it("does not change what it is given", function()
    local event = { message = "handled" }
    log.event(event)
    assert.same({ message = "handled" }, event)
  end)
end)
