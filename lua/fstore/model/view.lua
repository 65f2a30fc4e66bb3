--- The view: what events make of a read model, by SQL of its own or as one document per key.
local check = require "fstore.check"

---@class fstore.View
---@field name string
---@field start_at string? timestamp or "-infinity"; nil: from its registration on
---@field lock_timeout_s integer? seconds a lease lasts
---@field setup string? SQL to run before the first event
---@field on table<string, fun(event: fstore.Event, db: fstore.Store)>? handlers by event
---@field table string? of the documents
---@field key (fun(event: fstore.Event): string?)? names the document of an event
---@field initial_state any of a document
---@field evolve table<string, fun(document: any, event: fstore.Event): any>? documents by event
local View = {}
View.__index = View
View.__name = "fstore.view"

local view = {}

local COMMON = { name = "string", start_at = "string|nil", lock_timeout_s = "integer|nil", setup = "string|nil" }

local function with_common(keys)
  for key, wanted in pairs(COMMON) do
    keys[key] = wanted
  end
  return keys
end

local BY_SQL = with_common { on = "table" }
local BY_DOCUMENT = with_common { table = "string", key = "function|nil", initial_state = "any", evolve = "table" }

local function decider_id(event)
  return event.decider_id
end

---Makes a view. With `on`, each handler gets the event and a store whose writes share one transaction with the view's
---progress. With `evolve`, a table of documents (`key text`, `document jsonb`) is kept: evolve returns the new document,
---or nil to delete it; `key` names the document of an event (default: its decider_id; nil: none).
---@param definition table
---@return fstore.View
function view.new(definition)
  check.type("fstore.view: definition", definition, "table")
  if definition.on == nil and definition.evolve == nil then
    error("fstore.view needs `on` (handlers that write SQL) or `evolve` (a document per key)", 2)
  end
  check.options("fstore.view", definition, definition.on and BY_SQL or BY_DOCUMENT)
  if definition.name == "" then
    error("fstore.view: name must not be empty", 2)
  end
  local what = definition.on and "on" or "evolve"
  for event, handler in pairs(definition[what]) do
    check.type(("fstore.view: %s.%s"):format(what, tostring(event)), handler, "function")
  end
  local self = setmetatable({}, View)
  for key, value in pairs(definition) do
    self[key] = value
  end
  self.key = self.evolve and (self.key or decider_id)
  return self
end

---@param value any
---@return boolean
function view.is(value)
  return getmetatable(value) == View
end

---Whether an event means anything to the view.
---@param event string name
---@return boolean
function View:handles(event)
  return (self.on or self.evolve)[event] ~= nil
end

return view
