-- Store:atomically: a whole of its own, or behind a savepoint in an open transaction.
local fstore = require "fstore"
local database = require "spec.support.database"

describe("store:atomically", function()
  local store, conninfo

  lazy_setup(function()
    conninfo = database.fresh { empty = true }
    store = assert(fstore.connect(conninfo))
    assert(store:exec("CREATE TABLE t (n integer UNIQUE)"))
  end)
  before_each(function() assert(store:exec("TRUNCATE t")) end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)

  local function insert(tx, n)
    return tx:exec("INSERT INTO t VALUES ($1)", n)
  end

  local function numbers()
    return store:exec("SELECT string_agg(n::text, ' ' ORDER BY n) AS all FROM t")[1].all
  end

  it("is a transaction where there is none", function()
    assert.is_false(store:is_in_transaction())
    assert.are.equal("done", store:atomically(function(tx)
      assert.is_true(store:is_in_transaction())
      insert(tx, 1)
      return "done"
    end))
    assert.is_nil(store:atomically(function(tx)
      insert(tx, 2)
      return insert(tx, 1)
    end))
    assert.are.equal("1", numbers())
    assert.is_false(store:is_in_transaction())
  end)

  it("goes back to where it began in a transaction, which goes on", function()
    assert(store:transaction(function(tx)
      insert(tx, 1)
      assert.is_true(tx:atomically(function() insert(tx, 2) end))
      local _, err = tx:atomically(function()
        insert(tx, 3)
        return insert(tx, 1)
      end)
      assert.are.equal("23505", err.sqlstate)
      assert.is_nil(tx:failure())
      assert(insert(tx, 4))
      return true
    end))
    assert.are.equal("1 2 4", numbers())
  end)

  it("does not hide a statement that failed", function()
    assert(store:transaction(function(tx)
      local _, err = tx:atomically(function() insert(tx, 1) insert(tx, 1) return "fine" end)
      assert.are.equal("23505", err.sqlstate)
      return true
    end))
    assert.is_nil(numbers())
  end)

  it("raises what a script did wrong, after going back", function()
    local ok, err
    assert(store:transaction(function(tx)
      ok, err = pcall(tx.atomically, tx, function()
        insert(tx, 1)
        error("broken")
      end)
      return true
    end))
    assert.is_false(ok)
    assert.are.equal("script", err.kind)
    assert.is_nil(numbers())
  end)
end)
