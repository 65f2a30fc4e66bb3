-- Calls with a time limit, and what is told to systemd.
local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"

describe("conn:within", function()
  local conn
  before_each(function() conn = fixture.connect() end)
  after_each(function() conn:close() end)

  local function keep(value) return value end

  it("returns what xpcall returns", function()
    assert.same({ true, 1, nil, 3 }, { conn:within(10, function(...) return ... end, keep, 1, nil, 3) })
    assert.same({ false, "handled: no" }, { conn:within(10, function() error("no", 0) end, function(text)
      return "handled: " .. text
    end) })
  end)

  it("cancels the statement that runs when the time is over", function()
    local ok, message = conn:within(0.05, function() return conn:exec("select pg_sleep(100)") end, keep)
    assert.is_false(ok)
    assert.matches("the time limit is over", message)
    assert.equal(1, conn:exec("select 1 as one")[1].one)
  end)

  it("ends Lua code that goes on, wherever it is", function()
    local ok, message = conn:within(0.05, function()
      while true do
        pcall(string.rep, "x", 10)
      end
    end, keep)
    assert.is_false(ok)
    assert.matches(":%d+: the time limit is over$", message)
  end)

  it("ends Lua code that catches its errors", function()
    local caught = 0
    local ok, message = conn:within(0.05, function()
      local function catch()
        repeat
          local fine = pcall(function() while true do end end)
          caught = caught + (fine and 0 or 1)
        until caught == 3
      end
      catch()
      while true do end
    end, keep)
    assert.equal(3, caught)
    assert.is_false(ok)
    assert.matches(":%d+: the time limit is over$", message)
  end)

  it("leaves nothing behind that could ring later", function()
    assert.is_true(conn:within(0.01, function() return true end, keep))
    assert(conn:exec("select pg_sleep(0.05)"))
    for _ = 1, 3 do
      assert.is_false(conn:within(0.01, function() conn:exec("select pg_sleep(100)") end, keep))
    end
  end)

  it("raises for callers' mistakes", function()
    assert.error_matches(function() conn:within(0, print, print) end, "out of range")
    assert.error_matches(function() conn:within(1, print) end, "function expected")
    local ok, message = conn:within(1, function() conn:within(1, print, print) end, keep)
    assert.is_false(ok)
    assert.matches("under way already", message)
  end)
end)

describe("core.notify_systemd", function()
  it("has nobody to tell", function()
    assert.is_false(core.notify_systemd("READY=1"))
  end)
end)
