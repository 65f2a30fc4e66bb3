--- fstore: an event store on PostgreSQL for people who write Lua.
local core = require "fstore.core"
local store = require "fstore.store"

local fstore = {
  _VERSION = core.version,
  json = core.json,
  uuid = core.uuid,
  decider = require "fstore.model.decider".new,
  view = require "fstore.model.view".new,
  saga = require "fstore.model.saga".new,
  combine = require "fstore.model.combine".new,
}

---Connects to a database that holds, or will hold, the store.
---@param conninfo string|table libpq URL ("postgresql://…"), keywords ("host=… dbname=…") or a table of keywords
---@param options { schema: string? }? schema of the store (default "fstore")
---@return fstore.Store? store, fstore.Error? err kind "connection" when the database cannot be reached
function fstore.connect(conninfo, options)
  return store.connect(conninfo, options)
end

---Opens the store on a PostgreSQL of its own, kept in a folder and started when needed; it stops with its last user.
---@param dir string? the folder (default ".fstore")
---@param options { schema: string? }?
---@return fstore.Store? store, fstore.Error? err
function fstore.embedded(dir, options)
  return store.embedded(dir, options)
end

---The id of a decider for a business key (UUID v5), or the UUID itself.
fstore.decider_id = require "fstore.ids".decider_id

---Loads a script that returns a decider, a view or a saga, in a sandbox without clock, dice, files and store.
---@param path string
---@return fstore.Decider|fstore.View|fstore.Saga|nil value, fstore.Error? err kind "script"
function fstore.load(path)
  return require "fstore.model.script".load(path)
end

---Handles commands: loads, folds, decides and appends. With a saga, what follows from the events is stored with them.
---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.CommandHandlerOptions?
---@return fstore.CommandHandler
function fstore.command_handler(...)
  return require "fstore.application.command_handler".new(...)
end

---Handles commands on states kept as documents with a version, instead of events.
---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.StateHandlerOptions
---@return fstore.StateHandler
function fstore.state_handler(...)
  return require "fstore.application.state_handler".new(...)
end

---Keeps a view's documents for a program that hands it the events itself.
---@param store fstore.Store
---@param view fstore.View
---@return fstore.MaterializedView
function fstore.materialized_view(...)
  return require "fstore.application.materialized_view".new(...)
end

---Runs a view, or the manager of a saga, on the events that are pending for it.
---@param store fstore.Store
---@param view fstore.View|fstore.Saga
---@param options fstore.ProjectorOptions?
---@return fstore.Projector
function fstore.projector(...)
  return require "fstore.application.projector".new(...)
end

return fstore
