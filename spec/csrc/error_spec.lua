local core = require "fstore.core"
local fixture = require "spec.csrc.fixture"

describe("error", function()
  local conn

  setup(function() conn = fixture.connect() end)
  teardown(function() conn:close() end)

  -- Raises an error with this SQLSTATE on the server.
  local function raise(sqlstate, constraint)
    local sql = "do $$ begin raise 'said' using errcode = '%s', constraint = '%s'; end $$"
    local none, err = conn:exec(sql:format(sqlstate, constraint or ""))
    assert.is_nil(none)
    assert.equal(sqlstate, err.sqlstate)
    assert.equal("said", err.message)
    return err.kind
  end

  it("has a kind by its SQLSTATE", function()
    local kinds = {
      FS001 = "conflict", FS002 = "final", FS003 = "wrong_previous", FS004 = "unknown_event", FS005 = "immutable",
      FS006 = "duplicate", FS007 = "lost_lease", FS008 = "invalid", FS009 = "newer_schema", FS099 = "database",
      ["23505"] = "constraint", ["23514"] = "constraint", ["22P02"] = "invalid", ["28000"] = "permission",
      ["42501"] = "permission", ["40001"] = "serialization", ["40P01"] = "serialization", ["57014"] = "cancelled",
      ["57P01"] = "connection", ["08006"] = "connection", ["42601"] = "database", P0001 = "database",
    }
    for sqlstate, kind in pairs(kinds) do assert.equal(kind, raise(sqlstate), sqlstate) end
  end)

  it("has a kind by the constraint", function()
    assert.equal("conflict", raise("23505", "events_first_key"))
    assert.equal("conflict", raise("23505", "events_previous_id_key"))
    assert.equal("duplicate", raise("23505", "events_event_id_key"))
    assert.equal("constraint", raise("23505", "events_pkey"))
    assert.equal("unknown_event", raise("23503", "events_decider_fkey"))
    assert.equal("unknown_event", raise("23503", "events_decider_event_event_version_fkey"))
    assert.equal("constraint", raise("23503", "mine"))
  end)

  it("is no_schema when something of our schema is missing, and only then", function()
    assert.equal("no_schema", select(2, conn:exec("select * from fstore.nowhere")).kind)
    assert.equal("no_schema", select(2, conn:exec("select fstore.nowhere()")).kind)
    local err = select(2, conn:exec("select * from nowhere"))
    assert.equal("database", err.kind)
    assert.is_nil(err.hint)
  end)

  it("carries all the server says", function()
    local err = select(2, conn:exec([[do $$ begin raise 'said' using errcode = 'FS001', detail = 'seen', hint = 'try',
      constraint = 'c'; end $$]]))
    assert.same({ kind = "conflict", sqlstate = "FS001", message = "said", detail = "seen", hint = "try",
      constraint = "c" }, setmetatable(err, nil))
  end)

  it("reads well", function()
    local function text(err) return tostring(setmetatable(err, core.error_metatable)) end
    assert.equal("m\n  detail: d\n  hint: h", text { message = "m", detail = "d", hint = "h" })
    assert.equal("m\n  hint: h", text { message = "m", hint = "h" })
    assert.equal("m", text { message = "m" })
    assert.equal(core.error_metatable, getmetatable(select(2, conn:exec("nonsense"))))
    assert.has_error(function() core.error_metatable.__tostring("x") end)
  end)
end)
