local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local uv = require "luv"

describe("connection", function()
  local conn

  before_each(function() conn = fixture.connect() end)
  after_each(function() conn:close() end)

  it("knows itself", function()
    assert.equal("fstore", conn:schema())
    assert.equal("idle", conn:status())
    assert.is_true(conn:server_version() >= 140000)
    assert.equal(conn:backend_pid(), conn:exec("select pg_backend_pid() as pid")[1].pid)
    assert.is_true(conn:socket() > 2)
    assert.equal("fstore.connection (idle)", tostring(conn))
  end)

  local settings = "select current_setting('client_encoding') as encoding, current_setting('application_name') as name"

  it("speaks UTF-8 and says its name, unless given another", function()
    assert.same({ encoding = "UTF8", name = "fstore-lua" }, conn:exec(settings)[1])
    local other <close> = assert(core.connect(fixture.conninfo() .. " application_name=mine client_encoding=LATIN1"))
    assert.same({ encoding = "UTF8", name = "mine" }, other:exec(settings)[1])
  end)

  it("takes a table of keywords", function()
    local keywords = {}
    for key, value in fixture.conninfo():gmatch("(%w+)=(%S+)") do keywords[key] = value end
    keywords.port = math.tointeger(keywords.port)
    local other <close> = assert(core.connect(keywords))
    assert.equal("idle", other:status())
    assert.equal("integer", math.type(keywords.port))
  end)

  it("cannot be made without a server", function()
    local none, err = core.connect("host=/nonexistent dbname=x")
    assert.is_nil(none)
    assert.equal("connection", err.kind)
    assert.matches("/nonexistent", err.message, 1, true)
    assert.not_matches("\n$", err.message)
    assert.equal("connection", select(2, core.connect { nosuchkeyword = "x" }).kind)
    assert.equal("connection", select(2, core.connect("postgresql://[bad")).kind)
  end)

  it("refuses what is no connection string or option", function()
    assert.has_error(function() core.connect() end)
    assert.has_error(function() core.connect("dbname=x\0y") end, "bad argument #1 to 'connect' (NUL at byte 9)")
    assert.has_error(function() core.connect("", { shema = "x" }) end, "shema: unknown key")
    assert.has_error(function() core.connect("", { schema = 1 }) end, "schema: string expected, got number")
    assert.has_error(function() core.connect { dbname = true } end, "dbname: string expected, got boolean")
  end)

  it("closes once, and says so afterwards", function()
    conn:close()
    conn:close()
    assert.equal("closed", conn:status())
    for _, method in ipairs { "exec", "schema", "socket", "wait", "append_events", "get_events", "lease_events" } do
      assert.error_matches(function() conn[method](conn, "x") end, "the connection is closed", 1, true)
    end
    do
      local other <close> = fixture.connect()
      conn = other
    end
    assert.equal("closed", conn:status())
  end)

  it("follows the transaction's state", function()
    conn:exec("begin")
    assert.equal("transaction", conn:status())
    conn:exec("nonsense")
    assert.equal("failed", conn:status())
    local none, err = conn:exec("select 1")
    assert.is_nil(none)
    assert.equal("25P02", err.sqlstate)
    conn:exec("rollback")
    assert.equal("idle", conn:status())
  end)

  it("reports its loss as an error of kind connection", function()
    fixture.kill(conn)
    local none, err = conn:exec("select 1")
    assert.is_nil(none)
    assert.equal("connection", err.kind)
    assert.equal("closed", conn:status())
    assert.equal("connection", select(2, conn:append_events(fixture.items(core.uuid.v4(), 2))).kind)
    assert.equal("connection", select(2, conn:wait(0)).kind)
  end)

  it("works in any schema, however it is called", function()
    local other <close> = fixture.connect { schema = 'My "Schema' }
    local none, err = other:get_last_event(core.uuid.v4(), "Order")
    assert.is_nil(none)
    assert.equal("no_schema", err.kind)
    assert.equal("run fstore-lua init", err.hint)
    conn:exec([[create schema "My ""Schema"; create function "My ""Schema".get_last_event(uuid, text)
      returns setof fstore.events language sql as 'select * from fstore.get_last_event($1, $2)']])
    assert.equal(1, select("#", other:get_last_event(core.uuid.v4(), "Order")))
    conn:exec([[drop schema "My ""Schema" cascade]])
  end)

  describe("wait", function()
    it("sees a notification of another session, once", function()
      conn:exec("listen fstore_spec")
      assert.is_false(conn:wait(0))
      local other <close> = fixture.connect()
      other:exec("notify fstore_spec, 'a'; notify fstore_spec, 'b'")
      assert.is_true(conn:wait(5000))
      assert.is_false(conn:wait(20))
    end)

    it("sees a notification that came with an earlier answer", function()
      conn:exec("listen fstore_spec")
      conn:exec("notify fstore_spec")
      conn:exec("select 1")
      assert.is_true(conn:wait(0))
    end)

    it("returns when a signal arrives", function()
      local signal = uv.new_signal()
      signal:start("sigusr1", function() end)
      io.popen(("(sleep 0.1; kill -USR1 %d) &"):format(uv.os_getpid())):close()
      local answer, reason = conn:wait(10000)
      assert.is_false(answer)
      assert.equal("interrupted", reason)
      signal:close()
      uv.run("nowait")
    end)

    it("notices the loss of the connection", function()
      local pid = conn:backend_pid()
      local other <close> = fixture.connect()
      other:exec("select pg_terminate_backend($1)", pid)
      local answer, err = conn:wait(10000)
      assert.is_nil(answer)
      assert.equal("connection", err.kind)
    end)

    it("refuses what is no time", function()
      assert.has_error(function() conn:wait(-1) end)
      assert.has_error(function() conn:wait(0 / 0) end)
      assert.has_error(function() conn:wait("soon") end)
    end)
  end)
end)
