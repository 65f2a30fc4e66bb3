-- A business key names the same stream on every machine, for ever.
local ids = require "fstore.ids"
local uuid = require "fstore.core".uuid

describe("a decider's id", function()
  it("is a UUID v5 of the key, in the decider's own namespace", function()
    -- Computed by Python's uuid.uuid5: these values must never change, or keys would name other streams.
    assert.equal("9d158957-9060-5a1f-be80-527b26ebb3dc", ids.decider_id("Order", "order-1"))
    assert.equal("6ac6f301-75f0-52ae-9525-c1fdae3c912f", ids.decider_id("Customer", "order-1"))
    assert.equal("c4cacf36-4c6b-59a3-9101-9aca0f590666", ids.decider_id("Ordnung", "Nr. 7 \u{1F4E6}"))
    assert.equal("970d2d19-e6cd-5398-acd8-bda4a2227e42", ids.decider_id("Order", ""))
  end)

  it("is a UUID itself, in lower case", function()
    local id = uuid.v4()
    assert.equal(id, ids.decider_id("Order", id))
    assert.equal(id, ids.decider_id("Order", id:upper()))
  end)

  it("takes what only looks like a UUID for a key", function()
    local id = uuid.v4()
    for _, key in ipairs { id:gsub("-", ""), id .. " ", "{" .. id .. "}", id:sub(1, -2) } do
      assert.equal("5", ids.decider_id("Order", key):sub(15, 15))
    end
  end)

  it("keeps keys apart that differ in any byte", function()
    assert.not_equal(ids.decider_id("Order", "a"), ids.decider_id("Order", "A"))
    assert.not_equal(ids.decider_id("Order", "a\0"), ids.decider_id("Order", "a"))
  end)
end)
