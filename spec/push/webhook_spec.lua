-- Signatures: against published vectors, and against openssl.
local core = require "fstore.core"
local process = require "fstore.embedded.process"
local webhook = require "fstore.webhook"

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

describe("core.hmac_sha256", function()
  -- RFC 4231, cases 1 to 4, 6 and 7
  local VECTORS <const> = {
    { ("\x0b"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { ("\xaa"):rep(20), ("\xdd"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "\1\2\3\4\5\6\7\8\9\10\11\12\13\14\15\16\17\18\19\20\21\22\23\24\25", ("\xcd"):rep(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { ("\xaa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { ("\xaa"):rep(131), "This is a test using a larger than block-size key and a larger than block-size data. "
      .. "The key needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
  }

  it("agrees with the vectors of RFC 4231", function()
    for _, vector in ipairs(VECTORS) do
      assert.equal(vector[3], hex(core.hmac_sha256(vector[1], vector[2])))
    end
  end)

  it("agrees with openssl for texts and keys of all lengths around a block", function()
    for _, length in ipairs { 0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000 } do
      local key, text = ("k"):rep(length + 1), ("\0\xff"):rep(length):sub(1, length)
      local code, output = process.run(
        { "openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" .. hex(key) }, { input = text })
      assert.same({ 0, hex(core.hmac_sha256(key, text)) }, { code, output:match("%x+%s*$"):match("%x+") })
    end
  end)
end)

describe("webhook.signer", function()
  it("agrees with the specification's example", function()
    local sign = assert(webhook.signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    assert.equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'))
  end)

  it("signs with each of several secrets", function()
    local one, two = "whsec_bGxs", "whsec_bW1tbQ=="
    local both = assert(webhook.signer(one .. "\n" .. two .. "\n"))("id", 1, "{}")
    assert.equal(webhook.signer(one)("id", 1, "{}") .. " " .. webhook.signer(two)("id", 1, "{}"), both)
  end)

  it("refuses what is no secret, and shows nothing of it", function()
    for _, secrets in ipairs {
      "", " \n", "MfKQ9r8GKYqr", "whsec_", "whsec_a", "whsec_MfKQ*r8G", "whsec_bGxs sesame",
    } do
      local sign, problem = webhook.signer(secrets)
      assert.is_nil(sign)
      assert.is_nil(problem:find("MfKQ", 1, true) or problem:find("sesame", 1, true))
    end
  end)
end)
