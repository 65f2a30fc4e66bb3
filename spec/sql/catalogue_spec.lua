-- What is true of every object of the installed schema.
local process = require "fstore.embedded.process"
local store = require "spec.support.sql_store"

describe("every object of the store", function()
  local client = store.shared()

  local function names(sql)
    local list = {}
    for i, row in ipairs(client():query(sql)) do list[i] = row.name end
    return list
  end

  local kinds = {
    { "tables and views", [[SELECT c.oid::regclass AS name FROM pg_class AS c
      WHERE c.relnamespace = 'fstore'::regnamespace AND c.relkind IN ('r', 'v', 'm')
        AND obj_description(c.oid, 'pg_class') IS NULL]] },
    { "columns", [[SELECT format('%s.%I', c.oid::regclass, a.attname) AS name FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relnamespace = 'fstore'::regnamespace AND c.relkind IN ('r', 'v', 'm')
        AND col_description(c.oid, a.attnum) IS NULL]] },
    { "sequences", [[SELECT c.oid::regclass AS name FROM pg_class AS c
      WHERE c.relnamespace = 'fstore'::regnamespace AND c.relkind = 'S'
        AND obj_description(c.oid, 'pg_class') IS NULL]] },
    { "indexes that are no constraint's", [[SELECT c.oid::regclass AS name FROM pg_class AS c
      WHERE c.relnamespace = 'fstore'::regnamespace AND c.relkind = 'i' AND obj_description(c.oid, 'pg_class') IS NULL
        AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = c.oid)]] },
    { "constraints", [[SELECT o.conname AS name FROM pg_constraint AS o
      WHERE o.connamespace = 'fstore'::regnamespace AND o.contype <> 'n'
        AND obj_description(o.oid, 'pg_constraint') IS NULL]] },
    { "functions", [[SELECT p.oid::regprocedure AS name FROM pg_proc AS p
      WHERE p.pronamespace = 'fstore'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL]] },
    { "triggers", [[SELECT t.tgname AS name FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
      WHERE c.relnamespace = 'fstore'::regnamespace AND NOT t.tgisinternal
        AND obj_description(t.oid, 'pg_trigger') IS NULL]] },
    { "rules", [[SELECT r.rulename AS name FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
      WHERE c.relnamespace = 'fstore'::regnamespace AND c.relkind = 'r'
        AND obj_description(r.oid, 'pg_rewrite') IS NULL]] },
  }
  for _, kind in ipairs(kinds) do
    it("has a COMMENT: " .. kind[1], function() assert.same({}, names(kind[2])) end)
  end

  it("has a name of its own choice: constraints and indexes", function()
    assert.same({}, names [[SELECT conname AS name FROM pg_constraint WHERE connamespace = 'fstore'::regnamespace
      AND contype <> 'n' AND conname !~ '_(pkey|key|fkey|check)$']])
  end)

  it("is found whatever the caller's search_path is: functions", function()
    assert.same({}, names [[SELECT p.oid::regprocedure AS name FROM pg_proc AS p
      WHERE p.pronamespace = 'fstore'::regnamespace AND p.prosqlbody IS NULL
        AND NOT coalesce(array_to_string(p.proconfig, ',') ~ 'search_path', false)
        AND p.prosrc ~ '\m(deciders|events|views|locks|commands|view_registrations)\M'
        AND p.proname NOT IN ('refuse_overtaken', 'refuse_truncate')]])
    local session = client()
    session:query("SET search_path TO pg_temp")
    session:query("SELECT fstore.register_view('elsewhere', '-infinity')")
    session:query([[SELECT fstore.append_event('Placed', gen_random_uuid(), 'Order', gen_random_uuid(), '{}',
      gen_random_uuid(), NULL)]])
    assert.equal(1, #session:query("SELECT * FROM fstore.stream_events('elsewhere')"))
  end)

  it("is mentioned in a spec: functions", function()
    local code, text = process.run { "sh", "-c", "cat $(find -L spec -name '*.lua' ! -name catalogue_spec.lua)" }
    assert.equal(0, code)
    local unmentioned = {}
    for _, name in ipairs(names [[SELECT DISTINCT proname AS name FROM pg_proc
      WHERE pronamespace = 'fstore'::regnamespace AND prorettype <> 'trigger'::regtype]]) do
      if not text:find("%f[%w_]" .. name .. "%f[^%w_]") then unmentioned[#unmentioned + 1] = name end
    end
    assert.same({}, unmentioned)
  end)
end)
