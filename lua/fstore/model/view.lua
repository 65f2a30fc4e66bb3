--- The view: what events make of a read model, by SQL of its own or as one document per key.
local by_type = require "fstore.model.by_type"
local check = require "fstore.check"
local decider = require "fstore.model.decider"
local source = require "fstore.model.source"
local value = require "fstore.model.value"

---@alias fstore.On fun(event: fstore.Event, db: fstore.Store)
---@alias fstore.EvolveDocument fun(document: any, event: fstore.Event): any

---@class fstore.ViewDefinition
---@field name string of the view, in the table `views`
---@field start_at? string timestamp or "-infinity" (default: from its registration on)
---@field lock_timeout_s? integer seconds a lease lasts (default 300)
---@field max_attempts? integer after which a partition is parked whose next event keeps failing (default 10)
---@field setup? string SQL to run before the first event; it must be safe to repeat
---@field decider? fstore.Decider whose events alone it reads, several of them combined; older versions come upcast
---@field on? table<string, fstore.On>|fstore.On writes SQL, in one transaction with the view's progress
---@field evolve? table<string, fstore.EvolveDocument>|fstore.EvolveDocument the new document, or nil to delete it
---@field initial_state? any with `evolve`: the document before its first event
---@field key? fun(event: fstore.Event): string? with `evolve`: names the event's document (default: its decider_id)
---@field table? string with `evolve`: of the documents, `key text, document jsonb` (default: the view's name)
---@field events? string[] that `on` or `evolve` takes, when it is one function (default: all)

---@class fstore.View
---@field name string
---@field start_at string?
---@field lock_timeout_s integer?
---@field max_attempts integer?
---@field setup string?
---@field decider fstore.Decider? whose events alone it reads
---@field event_names string[] sorted; those that the view handles by name
---@field on table<string, fstore.On>? handlers by event
---@field table string? of the documents
---@field key (fun(event: fstore.Event): string?)? names the document of an event; nil: not for this view
---@field initial_state any of a document
---@field evolve table<string, fstore.EvolveDocument>? documents by event
---@field package own_handlers table<string, function>? as they were written
local View = {}
View.__index = View
View.__name = "fstore.view"

local view = {}

local COMMON <const> = {
  name = "string", start_at = "string|nil", lock_timeout_s = "integer|nil", setup = "string|nil", decider = "table|nil",
  events = "table|nil", max_attempts = "integer|nil",
}

local function with_common(keys)
  for key, wanted in pairs(COMMON) do
    keys[key] = wanted
  end
  return keys
end

local BY_SQL <const> = with_common { on = "table|function" }
local BY_DOCUMENT <const> = with_common {
  table = "string|nil", key = "function|nil", initial_state = "any", evolve = "table|function",
}

local function decider_id(event)
  return event.decider_id
end

local function check_definition(definition)
  check.type("fstore.view: definition", definition, "table", 4)
  if definition.on == nil and definition.evolve == nil then
    error("fstore.view needs `on` (handlers that write SQL) or `evolve` (a document per key)", 3)
  end
  check.options("fstore.view", definition, definition.on and BY_SQL or BY_DOCUMENT, 4)
  local problem = definition.evolve and value.problem("initial_state", definition.initial_state or {})
  if definition.name == "" then
    error("fstore.view: name must not be empty", 3)
  elseif problem then
    error("fstore.view: " .. problem, 3)
  elseif definition.decider and not decider.is(definition.decider) then
    error("fstore.view: decider must be one that fstore.decider or fstore.combine made", 3)
  end
end

local function check_names(what, known, names)
  for _, name in ipairs(names) do
    if not known:declaration { event = name } then
      error(("fstore.view: %s.%s is no event of %s"):format(what, name, known.name), 3)
    end
  end
end

local function wrapped(handlers, wrap)
  return setmetatable({}, { __index = function(self, name)
    self[name] = handlers[name] and wrap(handlers[name])
    return rawget(self, name)
  end })
end

-- Handlers and key that see the events of a decider alone, in their newest version.
local function reading(known, what, handlers, key)
  local reads = wrapped(handlers, what == "on" and function(handler)
    return function(event, db)
      return known:declaration(event) and handler(known:upcast(event), db)
    end
  end or function(handler)
    return function(document, event)
      return handler(document, known:upcast(event))
    end
  end)
  return reads, key and function(event)
    return known:declaration(event) and key(known:upcast(event)) or nil
  end
end

---Makes a view. With `on`, each handler gets the event and a store whose writes share one transaction with the view's
---progress. With `evolve`, a table of documents (`key text`, `document jsonb`) is kept.
---@param definition fstore.ViewDefinition
---@return fstore.View
function view.new(definition)
  check_definition(definition)
  local what = definition.on and "on" or "evolve"
  local handlers = by_type.read("fstore.view: " .. what, definition[what], definition.events, 3)
  local own_handlers, known = handlers, definition.decider
  local key = definition.evolve and (definition.key or decider_id)
  local names = by_type.names(handlers)
  if known then
    check_names(what, known, names)
    handlers, key = reading(known, what, handlers, key)
  end
  return setmetatable({
    name = definition.name, start_at = definition.start_at, lock_timeout_s = definition.lock_timeout_s,
    max_attempts = definition.max_attempts, setup = definition.setup, key = key,
    initial_state = definition.initial_state,
    table = definition.evolve and (definition.table or definition.name), decider = known, [what] = handlers,
    event_names = names, own_handlers = own_handlers,
  }, View)
end

---@param item any
---@return boolean
function view.is(item)
  return getmetatable(item) == View
end

---Whether an event means anything to the view.
---@param event string name
---@return boolean
function View:handles(event)
  return (self.on or self.evolve)[event] ~= nil
end

---Where the function stands that handles an event; nil behind a mapping.
---@param event fstore.Event
---@return string? place "file:line"
function View:place(event)
  local handler = self.own_handlers and self.own_handlers[event.event]
  return handler and source.of(handler)
end

---A fresh initial document.
---@return any
function View:initial()
  return value.copy(self.initial_state)
end

---The document after one more event, whatever its key; nil when it is deleted. An event that means nothing to the view
---leaves it as it is.
---@param document any nil: none yet
---@param event fstore.Event
---@return any document
function View:apply(document, event)
  local evolve = self.evolve[event.event]
  if not evolve or self.key(event) == nil then
    return document
  elseif document == nil then
    document = self:initial()
  end
  return evolve(document, event)
end

-- ---- Operators: each makes a new view and leaves this one as it is.

local function changed(self, changes)
  local new = {}
  for key, item in pairs(self) do
    new[key] = item
  end
  for key, item in pairs(changes) do
    new[key] = item
  end
  return setmetatable(new, View)
end

local function any_name(handler)
  return setmetatable({}, { __index = function() return handler end })
end

local function check_documents(self, what)
  if not self.evolve then
    error(("view:%s: view %s keeps no documents"):format(what, self.name), 3)
  end
end

---Reads other events. (fmodel: mapLeftOnEvent)
---@param map fun(event: fstore.Event): table? one of this view's events; nil: it means nothing to the view
---@return fstore.View
function View:map_event(map)
  check.type("view:map_event: map", map, "function")
  local function own(event)
    local mapped = map(event)
    return mapped and value.completed(mapped, event)
  end
  if self.on then
    return changed(self, { event_names = {}, own_handlers = false, on = any_name(function(event, db)
      local mapped = own(event)
      local handler = mapped and self.on[mapped.event]
      return handler and handler(mapped, db)
    end) })
  end
  return changed(self, {
    event_names = {}, own_handlers = false,
    evolve = any_name(function(document, event)
      return self:apply(document, own(event))
    end),
    key = function(event)
      local mapped = own(event)
      return mapped and self:handles(mapped.event) and self.key(mapped) or nil
    end,
  })
end

---Keeps other documents. (fmodel: dimapOnState)
---@param inward fun(document: any): any from the new document to this view's
---@param outward fun(document: any): any from this view's to the new one
---@return fstore.View
function View:dimap_state(inward, outward)
  check.type("view:dimap_state: inward", inward, "function")
  check.type("view:dimap_state: outward", outward, "function")
  check_documents(self, "dimap_state")
  return changed(self, {
    initial_state = outward(self:initial()),
    evolve = setmetatable({}, { __index = function(_, name)
      local evolve = self.evolve[name]
      return evolve and function(document, event)
        local evolved = evolve(inward(document), event)
        if evolved == nil then
          return nil
        end
        return outward(evolved)
      end
    end }),
  })
end

-- ---- Combination

local function all_slots(parts)
  local slots, seen = {}, {}
  for _, part in ipairs(parts) do
    for _, slot in ipairs(part.slots or { part }) do
      if seen[slot.name] then
        error(("fstore.combine: two views are named %s"):format(slot.name), 4)
      end
      slots[#slots + 1], seen[slot.name] = slot, true
    end
  end
  return slots
end

local function joined(slots, field, separator)
  local texts = {}
  for _, slot in ipairs(slots) do
    texts[#texts + 1] = slot[field]
  end
  return #texts > 0 and table.concat(texts, separator) or nil
end

local function handled_by(slots, name)
  for _, slot in ipairs(slots) do
    if slot:handles(name) then
      return true
    end
  end
  return false
end

-- The handlers of a combined view: by name, as those of a view by itself.
local function if_handled(slots, handler)
  return setmetatable({}, { __index = function(_, name)
    return handled_by(slots, name) and handler or nil
  end })
end

local function combined_by_sql(slots)
  return { on = if_handled(slots, function(event, db)
    for _, slot in ipairs(slots) do
      local handler = slot.on[event.event]
      if handler then
        handler(event, db)
      end
    end
  end) }
end

local function common_key(slots)
  return function(event)
    local key
    for _, slot in ipairs(slots) do
      local own = slot:handles(event.event) and slot.key(event) or nil
      if key and own and own ~= key then
        error(("the combined views name different documents for %s: %s and %s"):format(event.event, key, own), 0)
      end
      key = key or own
    end
    return key
  end
end

local function combined_by_document(slots)
  local function evolve(document, event)
    for _, slot in ipairs(slots) do
      document[slot.name] = slot:apply(document[slot.name], event)
    end
    if next(document) == nil then
      return nil
    end
    return document
  end
  return {
    table = joined(slots, "table", "_"), key = common_key(slots), initial_state = {},
    evolve = if_handled(slots, evolve),
  }
end

---Combines views into one whose document is a table of theirs, by name. Name and table are joined by "_"; start_at is
---that of the first that has one, lock_timeout_s and max_attempts the largest.
---@param parts fstore.View[] at least two, all with `on` or all with `evolve`
---@return fstore.View
function view.combine(parts)
  local slots = all_slots(parts)
  local by_sql = slots[1].on ~= nil
  for _, slot in ipairs(slots) do
    if (slot.on ~= nil) ~= by_sql then
      error("fstore.combine: a view that writes SQL and one that keeps documents", 3)
    end
  end
  local combined = (by_sql and combined_by_sql or combined_by_document)(slots)
  combined.name, combined.setup, combined.slots = joined(slots, "name", "_"), joined(slots, "setup", ";\n"), slots
  for _, slot in ipairs(slots) do
    combined.start_at = combined.start_at or slot.start_at
    for _, field in ipairs { "lock_timeout_s", "max_attempts" } do
      combined[field] = slot[field] and math.max(combined[field] or 0, slot[field]) or combined[field]
    end
  end
  combined.event_names = by_type.union(slots, "event_names")
  return setmetatable(combined, View)
end

return view
