--- The store's methods of event sourcing: deciders' events, appends and streams.
local check = require "fstore.check"
local params = require "fstore.store.params"

---@class fstore.Store
local Store = {}

---Registers one event that a decider may publish.
---@param decider string
---@param event string
---@param description string
---@param version integer? of the event's schema (default 1)
---@return true? done, fstore.Error? err kind "constraint" when it is registered already
function Store:register_decider_event(decider, event, description, version)
  return self.connection:register_decider_event(decider, event, description, version or 1)
end

local function register_stream(self, decider, events)
  local names, descriptions, versions = {}, {}, {}
  for name, declared in pairs(events) do
    names[#names + 1] = name
    descriptions[#descriptions + 1] = declared.description
    versions[#versions + 1] = declared.version
  end
  local ok, err = self.connection:exec(([[
    SELECT FROM %s.register_decider_events($1, ARRAY(SELECT jsonb_array_elements_text($2)),
      ARRAY(SELECT jsonb_array_elements_text($3)), ARRAY(SELECT jsonb_array_elements_text($4)::bigint))]])
    :format(self:quoted_schema()), decider, params.list(names), params.list(descriptions), params.list(versions))
  return ok and true, err
end

---Registers all events that a decider, or those combined in it, declare and that are not registered yet.
---@param decider fstore.Decider
---@return true? done, fstore.Error? err
function Store:register_decider(decider)
  for name, events in pairs(decider.streams) do
    local ok, err = register_stream(self, name, events)
    if not ok then
      return nil, err
    end
  end
  return true
end

---@class fstore.NewEvent
---@field decider string name of the decider
---@field decider_id string UUID
---@field event string name of the event
---@field data any what JSON can hold
---@field command_id string UUID of the command that led to it
---@field previous_id string? the event seen last in the stream; nil for the first
---@field event_id string? UUID (default: a new UUID v7)
---@field event_version integer? (default 1)
---@field final boolean? whether it closes the stream (default false)

---Appends one event.
---@param event fstore.NewEvent
---@return fstore.Event? stored
---@return fstore.Error? err of kind "conflict", "final", "wrong_previous", "unknown_event" or "duplicate"
function Store:append_event(event)
  check.type("store:append_event: event", event, "table")
  local stored, err = self.connection:append_events { event }
  return stored and stored[1], err
end

---Appends events of one or many streams, all or none, in one round trip. An event without `previous_id` whose stream
---came earlier in the list follows that earlier event.
---@param events fstore.NewEvent[]
---@return fstore.Event[]? stored in the order given, fstore.Error? err as append_event
function Store:append_events(events)
  return self.connection:append_events(events)
end

---Iterates over the events of one stream, in order and in constant memory. A failure on the way raises the error.
---@param decider_id string UUID
---@param decider string name of the decider
---@param options { after: integer?, page: integer? }? offset to go on after; events fetched at a time (default 1000)
---@return fun(): fstore.Event?
function Store:get_events(decider_id, decider, options)
  return self.connection:get_events(decider_id, decider, options)
end

---The first events of several streams of one decider, stream by stream.
---@param decider string
---@param decider_ids string[] UUIDs
---@param limit integer? at most so many events of each (default: all)
---@return fstore.Event[]? events, fstore.Error? err
function Store:get_streams(decider, decider_ids, limit)
  return self.connection:get_streams(decider, decider_ids, limit)
end

---@param decider_id string UUID
---@param decider string
---@return fstore.Event? event nil without err when the stream is empty, fstore.Error? err
function Store:get_last_event(decider_id, decider)
  return self.connection:get_last_event(decider_id, decider)
end

---@class fstore.EventFilter
---@field after integer? only events with a larger offset (default 0)
---@field limit integer? at most so many (default: all)
---@field decider string?
---@field decider_id string? UUID

---A page of the log in order of offset. Not for consumers: a transaction still open may commit an event behind it.
---@param filter fstore.EventFilter
---@return fstore.Event[]? events, fstore.Error? err
function Store:read_events(filter)
  return self.connection:read_events(filter)
end

return Store
