local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local uuid = core.uuid

describe("under the most aggressive collector", function()
  local function work()
    local conn = fixture.connect()
    local id = uuid.v4()
    assert(conn:append_events(fixture.items(id, 20)))
    local sum = 0
    for event in conn:get_events(id, "Order", { page = 3 }) do
      sum = sum + event.data.n
      core.json.decode(core.json.encode { event, event.data, { [event.event_id] = event.created_at } })
    end
    assert.equal(210, sum)
    assert.equal("serialization", select(2, conn:exec("do $$ begin raise 'x' using errcode = '40001'; end $$")).kind)
    assert.equal("[1,2]", core.json.encode(conn:exec("select $1::jsonb as j", core.json.value { 1, 2 })[1].j))
    assert.error(function() conn:append_events { fixture.item(id, { data = { f = print } }) } end)
    return conn:get_events(id, "Order", { page = 2 }), conn:get_last_event(id, "Order")
  end

  after_each(function()
    debug.sethook()
    collectgarbage("incremental", 200, 100)
  end)

  it("nothing breaks when it runs all the time", function()
    for _, mode in ipairs { "generational", "incremental" } do
      collectgarbage(mode, 1, 1000)
      for _ = 1, 3 do work() end
      collectgarbage()
    end
  end)

  it("nothing breaks when it runs a full cycle at each line", function()
    debug.sethook(function() collectgarbage() end, "l")
    work()
  end)

  it("an iterator keeps its connection alive", function()
    local next_event = work()
    collectgarbage()
    collectgarbage()
    local n = 0
    while next_event() do
      n = n + 1
      collectgarbage()
    end
    assert.equal(20, n)
  end)

  it("a finalizer may use the connection whose rows are being read", function()
    local conn <close> = fixture.connect()
    collectgarbage("incremental", 1, 1000)
    local ran, rounds = 0, 0
    local function litter()
      setmetatable({}, { __gc = function()
        ran = ran + 1
        conn:exec("select 1/0")
      end })
    end
    repeat -- a cycle takes the longer, the larger the heap that other specs have left
      rounds = rounds + 1
      litter()
      local rows = assert(conn:exec("select n, repeat('x', n) as x from generate_series(1, 50) as n"))
      for i, row in ipairs(rows) do assert(row.n == i and #row.x == i) end
      litter()
      assert.equal("22012", select(2, conn:exec("select 1/0")).sqlstate)
    until ran > 100 or rounds > 20000
    assert.is_true(ran > 100)
  end)

  it("a finalizer may write while writes are sent ahead", function()
    local conn <close> = fixture.connect()
    local sql = "insert into t values ($1)"
    assert(conn:exec("create temp table t (n int)"))
    for _ = 1, 3 do assert(conn:exec(sql, 0)) end
    collectgarbage("incremental", 1, 1000)
    conn:open_pipeline("begin")
    local ran, rows = 0, {}
    repeat
      setmetatable({}, { __gc = function()
        ran = ran + 1
        assert(conn:exec(sql, -1).affected == 1)
      end })
      rows[#rows + 1] = conn:exec(sql, #rows + 1)
    until ran > 100 or #rows > 20000
    assert.is_true(conn:close_pipeline())
    assert(conn:exec("commit"))
    for _, row in ipairs(rows) do assert(row.affected == 1) end
    assert.same({ #rows, ran + 3 }, { conn:exec("select count(*) as n from t where n > 0")[1].n,
      conn:exec("select count(*) as n from t where n <= 0")[1].n })
  end)

  it("connections that are forgotten are closed", function()
    local other <close> = fixture.connect()
    local function count()
      return other:exec("select count(*) as n from pg_stat_activity where datname = current_database()")[1].n
    end
    for _ = 1, 5 do fixture.connect() end
    collectgarbage()
    collectgarbage()
    other:exec("select pg_sleep(0.1)")
    assert.is_true(count() < 6)
  end)
end)
