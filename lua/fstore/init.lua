--- fstore: an event store on PostgreSQL for people who write Lua.
local core = require "fstore.core"
local store = require "fstore.store"

local fstore = {
  _VERSION = core.version,
  json = core.json,
  uuid = core.uuid,
  decider = require "fstore.model.decider".new,
  view = require "fstore.model.view".new,
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

---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.CommandHandlerOptions?
---@return fstore.CommandHandler
function fstore.command_handler(...)
  return require "fstore.application.command_handler".new(...)
end

---@param store fstore.Store
---@param view fstore.View
---@param options fstore.ProjectorOptions?
---@return fstore.Projector
function fstore.projector(...)
  return require "fstore.application.projector".new(...)
end

return fstore
