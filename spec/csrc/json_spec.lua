local core = require "fstore.core"
local json = core.json

describe("json", function()
  local function round_trip(text) return json.encode(assert(json.decode(text))) end

  it("keeps integers of 64 bits, and tells them from floats", function()
    assert.equal("integer", math.type(json.decode("9007199254740993")))
    assert.equal("[9007199254740993,-9223372036854775808,9223372036854775807]",
      round_trip "[9007199254740993, -9223372036854775808, 9223372036854775807]")
    assert.equal("float", math.type(json.decode("3.0")))
    assert.equal("3.0", round_trip "3.0")
    assert.equal("1000000000000000000.0", json.encode(1e18))
    assert.equal("-9223372036854775808.0", json.encode(-2.0 ^ 63))
  end)

  it("writes the shortest text of a float", function()
    for text, value in pairs { ["0.1"] = 0.1, ["1e+22"] = 1e22, ["1e-07"] = 1e-7, ["0.30000000000000004"] = 0.1 + 0.2,
      ["1.7976931348623157e+308"] = 1.7976931348623157e308, ["-0.0"] = -0.0 } do
      assert.equal(text, json.encode(value))
      assert.equal(value, (json.decode(text)))
    end
    assert.equal(5e-324, (json.decode(json.encode(5e-324))))
  end)

  it("reads an integer past 64 bits as a float when that holds it", function()
    assert.equal(1e22, (json.decode "10000000000000000000000"))
    assert.equal(2.0 ^ 63, json.decode('{"a":[9223372036854775808]}').a[1])
    assert.equal(1e300, (json.decode("1" .. ("0"):rep(300))))
    assert.equal(2.0 ^ 70, (json.decode "1180591620717411303424"))
    assert.equal(5e-324, (json.decode("0." .. ("0"):rep(323) .. "5")))
  end)

  it("refuses a number that neither an integer nor a float holds", function()
    for _, number in ipairs { "9223372036854775809", "1e400", "-1e400", "1e-400", "0.1234567890123456789",
      "9007199254740993.0",
      "123456789012345678901234567890", "1" .. ("0"):rep(400), "1" .. ("1"):rep(2000), "0." .. ("3"):rep(900) } do
      local value, message = json.decode('{"x": ' .. number .. "}")
      assert.is_nil(value)
      assert.matches("at byte 7 fits neither", message, 1, true)
    end
  end)

  it("does not take digits in a string for a number", function()
    assert.equal("9223372036854775809\\\"1e400", json.decode([["9223372036854775809\\\"1e400"]]))
  end)

  it("keeps null, an empty array and an empty object apart", function()
    assert.equal('{"a":[],"b":{},"c":null,"d":[null]}', round_trip '{"a": [], "b": {}, "c": null, "d": [null]}')
    assert.equal("null", tostring(json.null))
    assert.is_true(json.is_array(json.decode "[]"))
    assert.is_false(json.is_array(json.decode "{}"))
    assert.is_false(json.is_array(json.null))
    assert.equal("[]", json.encode(json.array {}))
    assert.equal("[]", json.encode(json.array()))
    assert.equal("{}", json.encode {})
    local decoded = json.decode "[1]"
    table.insert(decoded, 2)
    assert.equal("[1,2]", json.encode(decoded))
  end)

  it("sorts the keys", function()
    assert.equal('{"":0,"B":1,"a":2,"aa":3,"b":{"x":1,"y":2}}',
      json.encode { b = { y = 2, x = 1 }, a = 2, aa = 3, B = 1, [""] = 0 })
  end)

  it("escapes what must be escaped, and keeps the rest", function()
    assert.equal([["\"\\\b\t\n\f\r\u0000\u000b\u001f/é😀]] .. "\127\"", json.encode("\"\\\b\t\n\f\r\0\v\31/é😀\127"))
    assert.equal("a\0b", (json.decode [["a\u0000b"]]))
    assert.equal("😀", (json.decode [["\ud83d\ude00"]]))
  end)

  it("names the place of what JSON cannot hold", function()
    local loop = {}
    loop.loop = loop
    local bad = {
      ["value.items[3]: NaN is no JSON"] = { items = { 1, 2, 0 / 0 } },
      ["value: infinity is no JSON"] = -math.huge,
      ["value.f: function is no JSON"] = { f = print },
      ["value: thread is no JSON"] = coroutine.create(print),
      ["value.u: userdata is no JSON"] = { u = io.stdout },
      ["value.a[2]: nil in an array (json.null is a value)"] = { a = { 1, nil, 3, nil, 5 } },
      ["value: an array cannot have the key x"] = { 1, x = 2 },
      ["value: an array cannot have the key 7"] = { 1, [7] = 2 },
      ["value: an object cannot have the key true"] = { [true] = 1 },
      ["value: an object cannot have the key 7"] = { [7] = 1 },
      ["value: an object cannot have the key 1.5"] = { [1.5] = 1 },
      ["value.e: an array cannot have the key x"] = { e = json.array { x = 1 } },
      ["value[1].s: invalid UTF-8 at byte 3"] = { { s = "ab\255" } },
    }
    for message, value in pairs(bad) do
      assert.has_error(function() json.encode(value) end, message)
    end
    assert.error_matches(function() json.encode(loop) end, "value.loop.loop: nested too deeply, or within itself", 1,
      true)
    assert.error_matches(function() json.encode { ["a\192\128"] = 1 } end, "invalid UTF-8 at byte 2", 1, true)
  end)

  it("refuses every form of bad UTF-8", function()
    for _, bad in ipairs { "\128", "\192\128", "\193\191", "\224\128\128", "\237\160\128", "\240\128\128\128",
      "\244\144\128\128", "\245\128\128\128", "\195", "\226\130", "\255" } do
      assert.error_matches(function() json.encode("ok" .. bad) end, "invalid UTF-8 at byte 3", 1, true)
      assert.is_nil((json.decode('"' .. bad .. '"')))
    end
    for _, good in ipairs { "\194\128", "\224\160\128", "\237\159\191", "\240\144\128\128", "\244\143\191\191" } do
      assert.equal(good, (json.decode(json.encode(good))))
    end
  end)

  it("says where a text stops being JSON", function()
    for _, text in ipairs { "", "{", "[1,]", '{"a":1', "nul", "01", "1 2", "'a'", '"\\ud800"', "1-2", "-", '{"a":"',
      '"\\' } do
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.matches("%(line %d+, column %-?%d+%)$", message)
    end
  end)

  it("nests as deeply on the way out as on the way in", function()
    local text = ("["):rep(2000) .. ("]"):rep(2000)
    assert.equal(text, round_trip(text))
    assert.is_nil((json.decode(("["):rep(2100) .. ("]"):rep(2100))))
  end)

  it("takes an object of many keys", function()
    local object = {}
    for i = 1, 50000 do object["key" .. i] = i end
    assert.same(object, (json.decode(json.encode(object))))
  end)

  it("marks a value for exec", function()
    assert.equal('{"a":1}', tostring(json.value { a = 1 }))
    assert.error_matches(function() json.value(print) end, "value: function is no JSON", 1, true)
    assert.has_error(function() json.value() end)
    assert.equal('{"a":[{"b":1.0},2]}', json.encode { a = { json.value { b = 1.0 }, json.value(2) } })
  end)

  it("is exact for random values", function()
    math.randomseed(42)
    for _ = 1, 20000 do
      local bits = string.pack("<i8", math.random(0))
      local number = string.unpack("<d", bits)
      if number == number and math.abs(number) ~= math.huge then
        local decoded = json.decode(json.encode(number))
        assert(decoded == number and math.type(decoded) == "float", json.encode(number))
      end
      local integer = math.random(0)
      assert(json.decode(json.encode(integer)) == integer)
    end
  end)
end)
