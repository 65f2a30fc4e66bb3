--- Signatures after the Standard Webhooks specification: HMAC-SHA256 over id, time and body, in base64.
local core = require "fstore.core"

local webhook = {}

local ALPHABET <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local PREFIX <const> = "whsec_"

local VALUE_OF <const> = {}
for value = 0, 63 do
  VALUE_OF[ALPHABET:sub(value + 1, value + 1)] = value
end

local function encode_base64(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for shift = 18, 0, -6 do
      local value = bits >> shift & 63
      out[#out + 1] = ALPHABET:sub(value + 1, value + 1)
    end
  end
  local padding = -#bytes % 3
  return table.concat(out, "", 1, #out - padding) .. ("="):rep(padding)
end

-- nil when it is no base64.
local function decode_base64(text)
  local digits = text:gsub("=?=?$", "")
  if digits:find("[^%w+/]") or #digits % 4 == 1 then
    return nil
  end
  local out, bits, count = {}, 0, 0
  for digit in digits:gmatch(".") do
    bits, count = bits << 6 | VALUE_OF[digit], count + 6
    if count >= 8 then
      count = count - 8
      out[#out + 1] = string.char(bits >> count & 255)
    end
  end
  return table.concat(out)
end

---@param text string
---@return string[]? keys, string? problem in words without any part of a secret
local function keys_of(text)
  local keys = {}
  for secret in text:gmatch("%S+") do
    local key = secret:sub(1, #PREFIX) == PREFIX and decode_base64(secret:sub(#PREFIX + 1))
    if not key or key == "" then
      return nil, ("secret %d is not %s followed by base64"):format(#keys + 1, PREFIX)
    end
    keys[#keys + 1] = key
  end
  if #keys == 0 then
    return nil, "there is no secret"
  end
  return keys
end

---@alias fstore.WebhookSigner fun(id: string, time: integer, body: string): string

---Makes the function that signs messages. The secrets stay inside it. With several, each message carries a signature
---for each of them, so that a receiver can go from one to the next.
---@param secrets string one or several, each "whsec_" and base64, with blanks or newlines between them
---@return fstore.WebhookSigner? sign (id, seconds since 1970, body) → the value of the header webhook-signature
---@return string? problem in words without any part of a secret
function webhook.signer(secrets)
  local keys, problem = keys_of(secrets)
  if not keys then
    return nil, problem
  end
  return function(id, time, body)
    local content = ("%s.%d.%s"):format(id, time, body)
    local signatures = {}
    for index, key in ipairs(keys) do
      signatures[index] = "v1," .. encode_base64(core.hmac_sha256(key, content))
    end
    return table.concat(signatures, " ")
  end
end

return webhook
