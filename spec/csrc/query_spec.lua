local fixture = require "spec.csrc.fixture"

describe("conn:exec of the same text again", function()
  local conn

  before_each(function()
    conn = fixture.connect()
    assert(conn:exec("create temp table t (a int)"))
  end)

  after_each(function() conn:close() end)

  local function prepared()
    return assert(conn:exec("select count(*) as n from pg_prepared_statements where statement like '%repeated%'"))[1].n
  end

  it("is prepared when it comes the second time", function()
    local sql = "select $1::int as repeated"
    assert.equal(1, assert(conn:exec(sql, 1))[1].repeated)
    assert.equal(0, prepared())
    for n = 2, 4 do assert.equal(n, assert(conn:exec(sql, n))[1].repeated) end
    assert.equal(1, prepared())
  end)

  it("is prepared as well when there are several", function()
    for _ = 1, 3 do
      for n = 1, 12 do -- two of them would share one place
        assert.equal(n, assert(conn:exec(("select $1::int + %d as repeated"):format(n), 0))[1].repeated)
      end
    end
    assert.equal(12, prepared())
  end)

  it("goes on when a table has changed", function()
    local sql = "select *, $1::int as repeated from t"
    for _ = 1, 3 do assert(conn:exec(sql, 1)) end
    assert(conn:exec("alter table t add b int"))
    assert.same({ "a", "b", "repeated" }, assert(conn:exec(sql, 1)).columns)
  end)

  it("goes on when the server forgot it", function()
    local sql = "select $1::int as repeated"
    for _ = 1, 3 do assert(conn:exec(sql, 1)) end
    assert(conn:exec("deallocate all"))
    assert.equal(7, assert(conn:exec(sql, 7))[1].repeated)
  end)

  it("gives the same error", function()
    local sql = "select 1 / $1::int as repeated"
    for _ = 1, 3 do
      local rows, err = conn:exec(sql, 0)
      assert.is_nil(rows)
      assert.equal("22012", err.sqlstate)
    end
    assert.equal(1, assert(conn:exec(sql, 1))[1].repeated)
  end)
end)
