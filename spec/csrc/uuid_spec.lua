local uuid = require("fstore.core").uuid

describe("uuid", function()
  it("v4 and v7 carry their version and variant", function()
    for _ = 1, 100 do
      assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", uuid.v4())
      assert.matches("^%x+%-%x+%-7%x+%-[89ab]%x+%-%x+$", uuid.v7())
    end
  end)

  it("v7 begins with the time in milliseconds", function()
    local milliseconds = tonumber(uuid.v7():gsub("-", ""):sub(1, 12), 16)
    assert.is_true(math.abs(milliseconds - os.time() * 1000) < 5000)
  end)

  it("v7 rises, also within a millisecond", function()
    local last, seen = uuid.v7(), {}
    for _ = 1, 50000 do
      local next_one = uuid.v7()
      assert(next_one > last and not seen[next_one])
      last, seen[next_one] = next_one, true
    end
  end)

  -- RFC 9562, appendix A.4, and values made by Python's uuid module.
  it("v5 makes the same id of the same name", function()
    local dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert.equal("2ed6657d-e927-568b-95e1-2665a8aea6a2", uuid.v5(dns, "www.example.com"))
    assert.equal("2ed6657d-e927-568b-95e1-2665a8aea6a2", uuid.v5(dns:upper(), "www.example.com"))
    assert.equal("4ebd0208-8328-5d69-8c44-ec50939c0967", uuid.v5(dns, ""))
    assert.equal("f6d12730-a238-51ed-bf69-3689855f9bbf", uuid.v5(dns, ("x"):rep(1000)))
    assert.equal("b4ef785f-a0b0-54a6-9acf-673d8bf35923", uuid.v5(dns, "a\0b\255"))
    for length = 30, 130 do assert.is_true(uuid.is_uuid(uuid.v5(dns, ("y"):rep(length)))) end
    assert.has_error(function() uuid.v5("dns", "x") end, "bad argument #1 to 'v5' (UUID expected)")
    assert.has_error(function() uuid.v5(dns) end)
  end)

  it("is_uuid knows the canonical form and no other", function()
    local good = "f156a3c4-9bd8-11ed-a8fc-0242ac120002"
    assert.is_true(uuid.is_uuid(good))
    assert.is_true(uuid.is_uuid(good:upper()))
    for _, bad in ipairs { "", "x", good .. "0", good:sub(1, 35), (good:gsub("-", "")), "{" .. good:sub(2, 35) .. "}",
      (good:gsub("f1", "g1")), (good:gsub("%-", "0", 1)), good:sub(1, 35) .. "\0", 12, true } do
      assert.is_false(uuid.is_uuid(bad))
    end
    assert.is_false(uuid.is_uuid(nil))
    assert.is_false(uuid.is_uuid())
  end)
end)
