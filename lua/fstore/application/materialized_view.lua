--- The materialised view: fetch, evolve and save the documents of events that a program hands in itself. It knows no
--- progress: what is handed in twice counts twice. A projector does better where events come from the store.
local documents = require "fstore.application.documents"

---@class fstore.MaterializedView
---@field view fstore.View
---@field package store fstore.Store
local MaterializedView = {}
MaterializedView.__index = MaterializedView
MaterializedView.__name = "fstore.materialized_view"

local materialized_view = {}

local IN_SCHEMA <const> = { in_schema = true }

---@param store fstore.Store
---@param view fstore.View one that keeps documents (`evolve`)
---@return fstore.MaterializedView
function materialized_view.new(store, view)
  if not view.evolve then
    error(("fstore.materialized_view: view %s keeps no documents"):format(view.name), 2)
  end
  return setmetatable({ store = store, view = view }, MaterializedView)
end

---Makes the table. Safe to repeat, and for several programs at once.
---@return true? done, fstore.Error? err
function MaterializedView:prepare()
  return self.store:transaction(function(tx)
    assert(tx:exec("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "fstore.setup." .. self.view.name))
    assert(tx:exec("SET LOCAL client_min_messages = warning; " .. documents.setup(self.view)))
    return true
  end, IN_SCHEMA)
end

---Folds events into their documents, all or none of them.
---@param events fstore.Event[]
---@return true? done, fstore.Error? err; raises what is wrong with the view's script
function MaterializedView:handle(events)
  return self.store:transaction(function(tx)
    documents.apply(self.view, tx, events, function() end)
    return true
  end, IN_SCHEMA)
end

---@param key string
---@return any document nil: there is none, fstore.Error? err
function MaterializedView:get(key)
  local found, err = self.store:transaction(function(tx)
    return assert(tx:exec(("SELECT document FROM %s WHERE key = $1"):format(self.view.table), key))
  end, IN_SCHEMA)
  if not found then
    return nil, err
  end
  return found[1] and found[1].document
end

return materialized_view
