-- Writes that are sent ahead: what they return, where their failures come out, and what must not break them.
local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"

local INSERT <const> = "insert into t values ($1, $2)"
local UPDATE <const> = "update t set v = v where n <= $1"

describe("a connection with a pipeline", function()
  local conn
  before_each(function()
    conn = fixture.connect()
    assert(conn:exec("create temp table t (n int primary key, v text check (v <> 'bad'))"))
    for n = -3, -1 do -- what was prepared, and returned no rows, is sent ahead from then on
      assert(conn:exec(INSERT, n, "early"))
      assert(conn:exec(UPDATE, -10))
    end
    assert(conn:exec("delete from t"))
  end)
  after_each(function() conn:close() end)

  local function count()
    return assert(conn:exec("select count(*) as n from t"))[1].n
  end

  local function rolled_back()
    assert(conn:exec("rollback"))
    assert.same({ "idle", 0 }, { conn:status(), count() })
  end

  it("does all that was sent, in order, in its transaction", function()
    conn:open_pipeline("begin", "set local work_mem = '1MB'")
    assert.equal("transaction", conn:status())
    for n = 1, 3 do assert(conn:exec(INSERT, n, "x")) end
    assert.equal(3, count())
    assert(conn:exec(INSERT, 4, "x"))
    assert.equal("1MB", conn:exec("show work_mem")[1].work_mem)
    assert(conn:exec(INSERT, 5, "x"))
    assert.is_true(conn:close_pipeline())
    assert.equal("transaction", conn:status())
    assert(conn:exec("commit"))
    assert.equal(5, count())
  end)

  it("gives rows like any other, whose number is waited for", function()
    conn:open_pipeline("begin")
    local rows = {}
    for n = 1, 600 do
      rows[2 * n - 1], rows[2 * n] = conn:exec(INSERT, n, "x"), conn:exec(UPDATE, n % 5)
    end
    assert.same({ 0, {}, nil }, { #rows[1], rows[1].columns, rows[1][1] })
    assert.equal("table", type(rows[1]))
    assert.equal(4, rows[1198].affected)
    local fields = {}
    for key, value in pairs(conn:exec(UPDATE, 7)) do fields[key] = value end
    assert.same({ affected = 7, columns = {} }, fields)
    local last = conn:exec(UPDATE, 8)
    assert.is_true(conn:close_pipeline())
    for n = 1, 600 do
      assert.same({ affected = 1, columns = {} }, rows[2 * n - 1])
      assert.equal(n % 5, rows[2 * n].affected)
    end
    assert.equal(8, last.affected)
  end)

  it("lets the store's own functions see the writes", function()
    local id = core.uuid.v4()
    conn:open_pipeline("begin")
    assert(conn:exec(INSERT, 1, "x"))
    assert(conn:append_events(fixture.items(id, 3)))
    assert(conn:exec(INSERT, 2, "x"))
    local seen = 0
    for event in conn:get_events(id, "Order", { page = 1 }) do
      assert(conn:exec(INSERT, 10 + event.data.n, "x"))
      seen = seen + 1
    end
    assert.equal(3, seen)
    assert(conn:exec(INSERT, 3, "x"))
    assert.is_false(conn:wait(0))
    assert.is_true(conn:close_pipeline())
    assert.equal(6, count())
    assert(conn:exec("commit"))
  end)

  describe("when a write fails", function()
    local function fail()
      conn:open_pipeline("begin")
      assert(conn:exec(INSERT, 1, "x"))
      return assert(conn:exec(INSERT, 2, "bad")) -- nothing is known of it yet
    end

    it("says so when it is closed", function()
      fail()
      assert(conn:exec(INSERT, 3, "x"))
      local ok, err = conn:close_pipeline()
      assert.is_nil(ok)
      assert.same({ "constraint", "23514", "t_v_check" }, { err.kind, err.sqlstate, err.constraint })
      assert.equal("failed", conn:status())
      rolled_back()
    end)

    it("runs nothing more until it is closed", function()
      fail()
      for _, sql in ipairs { "select 1", "rollback", "rollback to savepoint s" } do
        local rows, err = conn:exec(sql)
        assert.is_nil(rows)
        assert.equal("constraint", err.kind)
      end
      assert.equal("constraint", select(2, conn:exec(INSERT, 3, "x")).kind)
      assert.equal("constraint", select(2, conn:exec("select $1::int", 3)).kind)
      assert.equal("constraint", select(2, conn:append_events(fixture.items(core.uuid.v4(), 1))).kind)
      assert.equal("failed", conn:status())
      assert.equal("23514", select(2, conn:close_pipeline()).sqlstate)
      rolled_back()
    end)

    it("raises the error for who reads how many rows it affected", function()
      local rows = fail()
      local ok, err = pcall(function() return rows.affected end)
      assert.is_false(ok)
      assert.equal("constraint", err.kind)
      assert.is_nil(conn:close_pipeline())
      assert.error_matches(function() return rows.affected end, "the write was rolled back")
      rolled_back()
    end)

    it("tells a failure of a statement that was waited for as that statement's own", function()
      conn:open_pipeline("begin")
      assert(conn:exec(INSERT, 1, "x"))
      for _ = 1, 2 do conn:exec("select $1::int / 1", 1) end
      assert(conn:exec(INSERT, 2, "x"))
      assert.equal("22P02", select(2, conn:exec("select $1::int / 1", "one")).sqlstate)
      assert.equal("failed", conn:status())
      assert.is_true(conn:close_pipeline())
      rolled_back()
    end)

    it("goes on with statements that the server had forgotten", function()
      conn:open_pipeline("begin")
      assert(conn:exec("deallocate all"))
      assert(conn:exec(INSERT, 1, "x"))
      assert.equal("26000", select(2, conn:close_pipeline()).sqlstate)
      assert(conn:exec("rollback"))
      conn:open_pipeline("begin")
      for n = 1, 3 do assert(conn:exec(INSERT, n, "x")) end
      assert.is_true(conn:close_pipeline())
      assert(conn:exec("commit"))
      assert.equal(3, count())
    end)
  end)

  it("refuses COPY, and survives it", function()
    conn:open_pipeline("begin")
    assert(conn:exec(INSERT, 1, "x"))
    assert.equal("database", select(2, conn:exec("copy t from stdin")).kind)
    assert.is_true(conn:close_pipeline())
    rolled_back()
  end)

  it("does not block when much goes both ways", function()
    assert(conn:exec([[
      create function pg_temp.talk() returns trigger language plpgsql as
        $$ begin raise notice '%', repeat('x', 10000); return new; end $$;
      create trigger talk before insert on t for each row execute function pg_temp.talk()]]))
    local large = ("x"):rep(10000)
    conn:open_pipeline("begin")
    for n = 1, 5000 do assert(conn:exec(INSERT, n, large)) end
    assert.is_true(conn:close_pipeline())
    assert.equal(5000, count())
    assert(conn:exec("commit"))
  end)

  it("ends with its connection", function()
    conn:open_pipeline("begin")
    assert(conn:exec(INSERT, 1, "x"))
    fixture.kill(conn)
    local rows = conn:exec(INSERT, 2, "x")
    assert.equal("connection", select(2, conn:exec("select 1")).kind)
    assert.equal("connection", select(2, conn:close_pipeline()).kind)
    assert.equal("closed", conn:status())
    assert.error(function() return rows.affected end)
    conn:close()
    assert.error_matches(function() return rows.affected end, "the write was rolled back")
  end)

  it("can be given up unanswered", function()
    conn:open_pipeline("begin")
    local rows = assert(conn:exec(INSERT, 1, "x"))
    conn:close()
    assert.error_matches(function() return rows.affected end, "the write was rolled back")
  end)

  it("is broken off by a time limit", function()
    assert(conn:exec([[
      create function pg_temp.sleep() returns trigger language plpgsql as
        $$ begin perform pg_sleep(1000); return new; end $$;
      create trigger sleep before insert on t for each row when (new.n = 2) execute function pg_temp.sleep()]]))
    conn:open_pipeline("begin")
    local ok, message = conn:within(0.05, function()
      for n = 1, 3 do conn:exec(INSERT, n, "x") end
      conn:exec("select 1")
    end, function(value) return value end)
    assert.is_false(ok)
    assert.matches("the time limit is over", message)
    assert.equal("cancelled", select(2, conn:close_pipeline()).kind)
    rolled_back()
  end)

  it("raises when there is one already", function()
    conn:open_pipeline("begin")
    assert.error_matches(function() conn:open_pipeline("begin") end, "open already")
  end)

  it("is nothing to those who close none", function()
    assert.is_true(conn:close_pipeline())
  end)
end)

describe("the C core", function()
  it("says nothing to the server beside the pipeline", function()
    local pipe <close> = assert(io.popen("grep -rnE 'PQ\\w+\\(conn->link' csrc"))
    local may <const> = {
      PQstatus = true, PQerrorMessage = true, PQtransactionStatus = true, PQfinish = true, PQgetCancel = true,
      PQescapeIdentifier = true, PQsetNoticeReceiver = true,
    }
    for line in pipe:lines() do
      for name in line:gmatch("(PQ%w+)%(conn%->link") do
        assert.is_true(may[name] or line:find("^csrc/pipeline%.c:") ~= nil, line)
      end
    end
  end)
end)
