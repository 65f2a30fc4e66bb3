-- A caller's bug raises, at the caller's line.
local check = require "fstore.check"

local function line_here()
  return debug.getinfo(2, "l").currentline
end

describe("check.type", function()
  it("lets the wanted types pass", function()
    check.type("x", 1, "integer")
    check.type("x", 1, "number")
    check.type("x", nil, "string|nil")
    check.type("x", {}, "string|table")
    check.type("x", print, "any")
  end)

  it("tells integers from other numbers", function()
    assert.error_matches(function() check.type("limit", 1.5, "integer") end, "limit must be integer, not number")
  end)

  it("names the value and all types", function()
    assert.error_matches(function() check.type("f: x", true, "string|nil") end,
      "f: x must be string or nil, not boolean")
  end)

  it("blames the caller of the function that checks", function()
    local function checked(x)
      check.type("x", x, "string")
    end
    local line
    local _, message = pcall(function()
      line = line_here()
      checked(1)
    end)
    assert.matches(("check_spec%%.lua:%d: x must be"):format(line + 1), message)
  end)
end)

describe("check.options", function()
  local KNOWN <const> = { limit = "integer|nil", name = "string" }

  it("returns the options", function()
    local options = { name = "a" }
    assert.equal(options, check.options("f", options, KNOWN))
    assert.same({}, check.options("f", nil, { limit = "integer|nil" }))
  end)

  it("raises for an unknown key, a wrong type, a missing value, and what is no table", function()
    local function raises(pattern, options)
      assert.error_matches(function() check.options("f", options, KNOWN) end, pattern)
    end
    raises('f: unknown option "limitt"', { name = "a", limitt = 1 })
    raises('f: unknown option "1"', { "a" })
    raises("f: limit must be integer or nil, not string", { name = "a", limit = "1" })
    raises("f: name must be string, not nil", {})
    raises("f: name must be string, not nil", nil)
    raises("f: options must be table, not integer", 7)
  end)

  it("blames the caller of the function that checks, for keys and for values", function()
    local function checked(options)
      return check.options("f", options, KNOWN), nil
    end
    for _, options in ipairs { { name = 1 }, { name = "a", other = 1 }, 7 } do
      local line
      local _, message = pcall(function()
        line = line_here()
        checked(options)
      end)
      assert.matches(("check_spec%%.lua:%d: f: "):format(line + 1), message)
    end
  end)
end)
