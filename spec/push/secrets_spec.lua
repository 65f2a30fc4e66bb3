-- How `fstore-lua push` proves who it is and checks who it talks to, and that it gives no secret away.
local fixture = require "spec.push.fixture"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local receiver = require "spec.push.receiver"

local SECRET <const>, KEY_HEX <const> = "whsec_c2VjcmV0LXNlc2FtZQ==", "7365637265742d736573616d65" -- "secret-sesame"

describe("push", function()
  local store, target
  before_each(function()
    store = fixture.open()
  end)
  after_each(function()
    store:close()
    if target then
      target:close()
      target = nil
    end
  end)

  local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end

  -- The signature as openssl makes it.
  local function signature_of(request)
    local headers = request.headers
    local content = ("%s.%s.%s"):format(headers["webhook-id"], headers["webhook-timestamp"], request.body)
    local code, output = process.run({
      "sh", "-c", "openssl dgst -sha256 -binary -mac HMAC -macopt hexkey:" .. KEY_HEX .. " | openssl base64",
    }, { input = content })
    assert.equal(0, code)
    return "v1," .. output:match("%S+")
  end

  local function assert_signed(arguments, env)
    target = receiver.start(function(request) request:answer(200) end)
    store:register(target.url)
    store:append(2)
    local running = store:push(arguments, env)
    store:wait_until_done()
    for _, request in ipairs(target.requests) do
      assert.equal(signature_of(request), request.headers["webhook-signature"])
      assert.is_true(math.abs(os.time() - tonumber(request.headers["webhook-timestamp"])) < 30)
    end
    assert.not_equal(target.requests[1].headers["webhook-id"], target.requests[2].headers["webhook-id"])
    return running
  end

  it("signs with the secret of a file", function()
    assert_signed { "--secret-file", host.file("secret", SECRET .. "\n") }
  end)

  it("signs with the secret of the environment", function()
    local running = assert_signed({}, { FSTORE_WEBHOOK_SECRET = SECRET })
    assert.is_nil(read(("/proc/%d/cmdline"):format(running.pid)):find("whsec", 1, true))
  end)

  it("does not sign without a secret", function()
    target = receiver.start(function(request) request:answer(200) end)
    store:register(target.url)
    store:append()
    store:push()
    store:wait_until_done()
    assert.is_nil(target.requests[1].headers["webhook-signature"])
  end)

  it("ends with a line that shows nothing when there is no secret to be had", function()
    local wrong = host.file("wrong", "sesame\n")
    for _, arguments in ipairs { { "--secret-file", wrong }, { "--secret-file", "whsec_sesame" } } do
      local result = host.run({ "push", table.unpack(arguments) }, { db = store.db })
      assert.equal(2, result.code)
      assert.matches("^fstore%-lua: %-%-secret%-file: [^\n]*\n$", result.err)
      assert.is_nil(result.err:find("sesame", 1, true))
    end
  end)

  it("sends user and password of a URL, and shows neither of them, though the receiver says them", function()
    target = receiver.start(function(request)
      local said = request.headers.authorization .. " user:pass%20word at " .. request.path
      request:answer(403, nil, "no entry for " .. said)
    end)
    store:register((target.url:gsub("http://", "http://user:pass%%20word@") .. "?key=sesame"))
    local id = store:append()
    local running = store:push({ "-v" }, { FSTORE_WEBHOOK_SECRET = SECRET })
    running:wait_for_message("answered 403")
    host.wait_for(function() return store:lock(id).last_error end, "the error")
    assert.equal("Basic dXNlcjpwYXNzIHdvcmQ=", target.requests[1].headers.authorization) -- user:pass word
    assert.equal("/events?key=sesame", target.requests[1].path)
    local title = read(("/proc/%d/cmdline"):format(running.pid)) .. read(("/proc/%d/comm"):format(running.pid))
    running:signal("sigterm")
    local said = running:wait().err .. store:lock(id).last_error .. title
    for _, secret in ipairs { "word", "dXNl", "sesame", "whsec", "c2Vj" } do
      assert.is_nil(said:find(secret, 1, true), secret)
    end
  end)
end)

describe("push over TLS", function()
  local store, target, certificate, other
  lazy_setup(function()
    local folder = host.file("here", ""):match("^(.*)/")
    local function make(name, subject)
      local files = { cert = ("%s/%s.pem"):format(folder, name), key = ("%s/%s.key"):format(folder, name) }
      assert.equal(0, (process.run { "sh", "-c", ([[openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -days 2 -subj /CN=fstore -addext subjectAltName=%s -keyout %s -out %s 2>&1]]):format(
        subject, files.key, files.cert) }))
      return files
    end
    certificate, other = make("localhost", "DNS:localhost"), make("other", "DNS:other.example")
  end)
  before_each(function()
    store = fixture.open()
  end)
  after_each(function()
    store:close()
    target:close()
  end)

  local function start(files)
    target = receiver.start_tls(files, function(request) request:answer(200) end)
    store:register(target.url)
    return store:append(3)
  end

  it("delivers, over one connection, to a receiver that the given authority vouches for", function()
    start(certificate)
    store:push { "--ca-file", certificate.cert }
    store:wait_until_done()
    assert.equal(3, #target.requests)
  end)

  local function assert_refused(files, arguments, reason)
    local id = start(files)
    local running = store:push(arguments)
    running:wait_for_message("failed .*" .. reason)
    host.wait_for(function() return store:lock(id).last_error end, "the nack")
    assert.matches(reason, store:lock(id).last_error)
    assert.equal(0, #target.requests)
  end

  it("sends nothing to a receiver that no known authority vouches for", function()
    assert_refused(certificate, {}, "certificate problem")
    store:close()
    target:close()
    store = fixture.open()
    assert_refused(certificate, { "--ca-file", other.cert }, "certificate problem")
  end)

  it("sends nothing to a receiver whose certificate is of another host", function()
    assert_refused(other, { "--ca-file", other.cert }, "target host name")
  end)

  it("ends with a line when the authorities' file is missing or holds none", function()
    target = receiver.start(function() end)
    for _, path in ipairs { "/nowhere/ca.pem", host.file("empty.pem", "") } do
      local result = host.run({ "push", "--ca-file", path }, { db = store.db })
      assert.equal(2, result.code)
      assert.matches("^fstore%-lua: %-%-ca%-file: [^\n]*\n$", result.err)
    end
  end)
end)
