local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"
local json = core.json

describe("exec", function()
  local conn

  setup(function() conn = fixture.connect() end)
  teardown(function() conn:close() end)

  local function one(...) return assert(conn:exec(...))[1] end

  it("decodes columns by their type", function()
    local row = one [[select true as yes, false as no, 1::int2 as i2, -2::int4 as i4, 9007199254740993 as i8,
      0.5::float4 as f4, 0.1::float8 as f8, 'NaN'::float8 as nan, '-Infinity'::float8 as low, 1.50::numeric as numeric,
      '{"a":[1,null]}'::jsonb as jsonb, '[]'::json as json, '\x00ff5c'::bytea as bytes, null as nothing,
      'x'::text as text,
      'null'::jsonb as json_null, date '2020-02-29' as day]]
    assert.is_true(row.yes)
    assert.is_false(row.no)
    assert.equal(1, row.i2)
    assert.equal(-2, row.i4)
    assert.equal(9007199254740993, row.i8)
    assert.equal(0.5, row.f4)
    assert.equal(0.1, row.f8)
    assert.is_true(row.nan ~= row.nan)
    assert.equal(-math.huge, row.low)
    assert.equal("1.50", row.numeric)
    assert.equal('{"a":[1,null]}', json.encode(row.jsonb))
    assert.is_true(json.is_array(row.json))
    assert.equal("\0\255\\", row.bytes)
    assert.is_nil(row.nothing)
    assert.equal("x", row.text)
    assert.equal(json.null, row.json_null)
    assert.equal("2020-02-29", row.day)
  end)

  it("decodes bytes in the older format too", function()
    conn:exec("set bytea_output = escape")
    assert.equal("\0\255\\a", one([[select '\x00ff5c61'::bytea as b]]).b)
    conn:exec("reset bytea_output")
  end)

  it("sends each type of parameter", function()
    local row = one([[select $1::bool as t, $2::bool as f, $3::int8 as i, $4::float8 as d, $5::text as s,
      $6::text as nul, $7::text as nothing, $8::jsonb as j, $9::text as last]], true, false, math.mininteger, 1e300,
      "häß", json.null, nil, json.value { a = {}, b = json.array {} }, nil)
    assert.is_true(row.t)
    assert.is_false(row.f)
    assert.equal(math.mininteger, row.i)
    assert.equal(1e300, row.d)
    assert.equal("häß", row.s)
    assert.is_nil(row.nul)
    assert.is_nil(row.nothing)
    assert.is_nil(row.last)
    assert.equal('{"a":{},"b":[]}', json.encode(row.j))
  end)

  it("keeps every finite double", function()
    for _, value in ipairs { 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 123456789012345680.0, -0.0 } do
      assert.equal(value, one("select $1::float8 as v", value).v)
    end
    assert.equal(math.huge, one("select $1::float8 as v", math.huge).v)
  end)

  it("tells how many rows there are and what they are called", function()
    local rows = conn:exec("select n, -n as minus from generate_series(1, 3) as n")
    assert.equal(3, #rows)
    assert.equal(3, rows.affected)
    assert.same({ "n", "minus" }, rows.columns)
    assert.equal(-3, rows[3].minus)
    assert.equal(0, conn:exec("select 1 where false").affected)
    assert.equal(0, conn:exec("set search_path = public").affected)
    conn:exec("create temp table t (n int)")
    assert.equal(4, conn:exec("insert into t select generate_series(1, $1)", 4).affected)
    assert.equal(4, conn:exec("delete from t").affected)
  end)

  it("runs several statements when there are no parameters", function()
    assert.equal(2, one("select 1 as n; select 2 as n").n)
    assert.equal(0, #conn:exec(""))
    assert.equal("42601", select(2, conn:exec("select $1; select 2", 1)).sqlstate)
  end)

  it("refuses what cannot be sent, and says where", function()
    local bad = { ["NUL at byte 2"] = "a\0b", ["invalid UTF-8 at byte 3"] = "ab\255",
      ["a table must be wrapped in json.value"] = {} }
    for message, value in pairs(bad) do
      assert.error_matches(function() conn:exec("select $1", value) end, message, 1, true)
    end
    assert.error_matches(function() conn:exec("select 1\0") end, "NUL at byte 9", 1, true)
    assert.error_matches(function() conn:exec("select $1", print) end, "value for the database expected", 1, true)
    assert.error_matches(function() conn:exec("select $1", io.stdout) end, "value for the database expected", 1, true)
    assert.equal("idle", conn:status())
  end)

  it("returns an error for JSON that Lua cannot hold", function()
    local none, err = conn:exec("select '[1e400]'::jsonb as j")
    assert.is_nil(none)
    assert.equal("invalid", err.kind)
    assert.matches("column j: the number 1000000", err.message, 1, true)
  end)

  it("does not do COPY, and survives it", function()
    conn:exec("create temp table copied (n int)")
    for _, sql in ipairs { "copy copied from stdin", "copy (select generate_series(1, 10000)) to stdout" } do
      local none, err = conn:exec(sql)
      assert.is_nil(none)
      assert.equal("database", err.kind)
      assert.equal("idle", conn:status())
      assert.equal(1, one("select 1 as n").n)
    end
  end)

  it("keeps notices off stderr", function()
    assert.truthy(conn:exec("do $$ begin raise warning 'not to be seen'; end $$"))
  end)

  it("takes many parameters, up to the protocol's limit", function()
    local values, marks = {}, {}
    for i = 1, 1000 do values[i], marks[i] = i, "$" .. i .. "::int" end
    local sql = "select sum(n) as n from unnest(array[" .. table.concat(marks, ",") .. "]) n"
    assert.equal(500500, one(sql, table.unpack(values)).n)
  end)
end)
