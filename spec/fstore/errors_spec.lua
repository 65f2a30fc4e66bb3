-- Errors as values.
local errors = require "fstore.errors"

describe("an error", function()
  it("reads well: message, detail, hint", function()
    assert.equal("no luck", tostring(errors.new("refused", "no luck")))
    assert.equal("no luck\n  detail: it rains\n  hint: wait",
      tostring(errors.new("refused", "no luck", { hint = "wait", detail = "it rains" })))
  end)

  it("is told from other values", function()
    assert.is_true(errors.is(errors.new("refused", "no luck")))
    for _, other in ipairs { "text", 7, {}, { kind = "refused", message = "no luck" } } do
      assert.is_false(errors.is(other))
    end
    assert.is_false(errors.is(nil))
  end)
end)

describe("what a script raises", function()
  local function raised(value)
    local _, err = xpcall(error, errors.from_script, value, 0)
    return err
  end

  it("stays itself when it is an error of ours", function()
    local err = errors.new("conflict", "late")
    assert.equal(err, raised(err))
  end)

  it("becomes an error of kind script, with a traceback", function()
    local err = raised("bang")
    assert.same({ "script", "bang" }, { err.kind, err.message })
    assert.matches("^\n?stack traceback:", err.traceback)
    assert.not_matches("traceback", tostring(err))
  end)

  it("shows what it holds, whatever it is", function()
    assert.equal('{"code":7}', raised({ code = 7 }).message)
    assert.equal("nil", raised(nil).message)
    assert.matches("^table: ", raised({ print }).message)
    assert.equal("mine", raised(setmetatable({}, { __tostring = function() return "mine" end })).message)
  end)
end)
