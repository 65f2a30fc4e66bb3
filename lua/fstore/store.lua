--- The store: the SQL contract as methods, over one connection.
local check = require "fstore.check"
local core = require "fstore.core"
local errors = require "fstore.errors"
local migrations = require "fstore.migrations"

---@class fstore.Store
---@field package connection fstore.Connection
---@field package server table? the embedded server that the store holds, if any
---@field package first_error fstore.Error? of the open transaction
local Store = {}
Store.__index = Store
Store.__name = "fstore.store"

local store = {}

local function new(connection, server)
  return setmetatable({ connection = connection, server = server }, Store)
end

---@param conninfo string|table
---@param options { schema: string? }?
---@return fstore.Store? store, fstore.Error? err
function store.connect(conninfo, options)
  check.type("fstore.connect: conninfo", conninfo, "string|table")
  options = check.options("fstore.connect", options, { schema = "string|nil" })
  local connection, err = core.connect(conninfo, options)
  if not connection then
    return nil, err
  end
  return new(connection)
end

---@param dir string?
---@param options { schema: string? }?
---@return fstore.Store? store, fstore.Error? err
function store.embedded(dir, options)
  check.type("fstore.embedded: dir", dir, "string|nil")
  options = check.options("fstore.embedded", options, { schema = "string|nil" })
  local server, failure = require "fstore.embedded".open(dir or ".fstore")
  if not server then
    return nil, errors.new(failure.kind, failure.message, { hint = failure.hint })
  end
  local connection, err = core.connect(server.conninfo, options)
  if not connection then
    server:close()
    return nil, err
  end
  return new(connection, server)
end

---Closes the connection, and lets go of the embedded server. Safe to call twice.
function Store:close()
  self.connection:close()
  if self.server then
    self.server:close()
    self.server = nil
  end
end

Store.__close = Store.close
Store.__gc = Store.close

---Name of the schema that holds the store.
---@return string
function Store:schema()
  return self.connection:schema()
end

---The schema's name as SQL text.
---@return string
function Store:quoted_schema()
  return '"' .. self:schema():gsub('"', '""') .. '"'
end

---Installs the store, or upgrades it to this version. Safe to repeat, and for two programs at once.
---@return integer[]? applied versions of the migrations applied now, fstore.Error? err
function Store:migrate()
  return migrations.run(self.connection)
end

---Whether the schema holds a store.
---@return boolean? installed, fstore.Error? err
function Store:is_installed()
  return migrations.installed(self.connection)
end

---Runs SQL: one statement with parameters $1, $2, …, or several statements without.
---@param sql string
---@param ... nil|boolean|integer|number|string|table parameters; a table is wrapped as `fstore.json.value(t)`
---@return table? rows each a table by column name; `rows.affected`, `rows.columns`, fstore.Error? err
function Store:exec(sql, ...)
  local rows, err = self.connection:exec(sql, ...)
  self.first_error = self.first_error or err
  return rows, err
end

---The error that has spoiled the open transaction: whatever is tried after it fails as well.
---@return fstore.Error? err nil when there is none
function Store:failure()
  if self.connection:status() ~= "failed" then
    return nil
  end
  return self.first_error or errors.new("database", "a statement of the transaction failed")
end

---Registers one event that a decider may publish.
---@param decider string
---@param event string
---@param description string
---@param version integer? of the event's schema (default 1)
---@return true? done, fstore.Error? err kind "constraint" when it is registered already
function Store:register_decider_event(decider, event, description, version)
  return self.connection:register_decider_event(decider, event, description, version or 1)
end

---Registers all events that a decider declares and that are not registered yet.
---@param decider fstore.Decider
---@return true? done, fstore.Error? err
function Store:register_decider(decider)
  local names, descriptions, versions = {}, {}, {}
  for name, declared in pairs(decider.events) do
    names[#names + 1] = name
    descriptions[#descriptions + 1] = declared.description
    versions[#versions + 1] = declared.version
  end
  local function list(items)
    return core.json.value(core.json.array(items))
  end
  local ok, err = self.connection:exec(([[
    SELECT FROM %s.register_decider_events($1, ARRAY(SELECT jsonb_array_elements_text($2)),
      ARRAY(SELECT jsonb_array_elements_text($3)), ARRAY(SELECT jsonb_array_elements_text($4)::bigint))]])
    :format(self:quoted_schema()), decider.name, list(names), list(descriptions), list(versions))
  return ok and true, err
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
---@return fstore.Event? stored, fstore.Error? err kinds "conflict", "final", "wrong_previous", "unknown_event", "duplicate"
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

---@class fstore.ViewRegistration
---@field view string name
---@field start_at string? timestamp, "-infinity", or nil: now for a new view, progress kept for an old one
---@field lock_timeout_s integer? seconds a lease lasts (default 300)
---@field pooling_delay_s integer? seconds between polls when pushed
---@field edge_function_url string? where to push events to

---Registers a view, or changes its registration; only a changed `start_at` moves its progress.
---@param registration fstore.ViewRegistration
---@return table? view the row of `views`, fstore.Error? err
function Store:register_view(registration)
  return self.connection:register_view(registration)
end

---Leases up to `limit` partitions and returns the next event of each, as the original contract does.
---@param view string
---@param options { limit: integer?, seconds: integer? }? partitions (default 1), time of the lease (default: the view's)
---@return fstore.Event[]? events of different partitions, fstore.Error? err
function Store:stream_events(view, options)
  return self.connection:stream_events(view, options)
end

---Leases pending partitions and returns their next events, up to `limit` in all, each with `token` and `attempts`.
---@param view string
---@param options { limit: integer?, seconds: integer? }? events in all (default 100), time of the lease
---@return fstore.Event[]? events, fstore.Error? err
function Store:lease_events(view, options)
  return self.connection:lease_events(view, options)
end

---Records that a partition was handled up to an offset, and frees it. A late ack, or one past the head, changes nothing.
---@param view string
---@param decider_id string UUID
---@param offset integer
---@param token integer? of the lease; with it, only the holder succeeds
---@return table? lock the row of `locks`, nil without err when nothing changed, fstore.Error? err
function Store:ack_event(view, decider_id, offset, token)
  return self.connection:ack_event(view, decider_id, offset, token)
end

---Frees a partition, so that its event is streamed again at once.
---@return table? lock, fstore.Error? err
function Store:nack_event(view, decider_id, token)
  return self.connection:nack_event(view, decider_id, token)
end

---Frees a partition after a delay in milliseconds.
---@return table? lock, fstore.Error? err
function Store:schedule_nack_event(view, decider_id, milliseconds, token)
  return self.connection:schedule_nack_event(view, decider_id, milliseconds, token)
end

---Acks many partitions in one round trip.
---@param view string
---@param acks { decider_id: string, offset: integer, token: integer }[]
---@return integer? accepted how many, fstore.Error? err
function Store:ack_events(view, acks)
  return self.connection:ack_events(view, acks)
end

---Nacks many partitions in one round trip.
---@param view string
---@param nacks { decider_id: string, token: integer, milliseconds: integer?, error: string? }[]
---@return integer? accepted how many, fstore.Error? err
function Store:nack_events(view, nacks)
  return self.connection:nack_events(view, nacks)
end

---How far each view, or one, has come.
---@param view string? name (default: all)
---@return table[]? rows of view_status(), fstore.Error? err
function Store:view_status(view)
  return self.connection:exec(("SELECT * FROM %s.view_status($1)"):format(self:quoted_schema()), view)
end

---Marks this connection as waiting, so that appends notify it. Poll once between `arm` and `wait`.
---@return true? done, fstore.Error? err
function Store:arm()
  local ok, err = self.connection:exec(("SELECT FROM %s.arm_wake_up()"):format(self:quoted_schema()))
  return ok and true, err
end

---Waits for the next append, at most so long. Only an append after `arm` is sure to be noticed.
---@param milliseconds integer
---@return boolean? woken, string|fstore.Error? why "interrupted" by a signal, or the error
function Store:wait(milliseconds)
  return self.connection:wait(milliseconds)
end

---Ends `arm`.
---@return true? done, fstore.Error? err
function Store:disarm()
  local ok, err = self.connection:exec(("SELECT FROM %s.disarm_wake_up()"):format(self:quoted_schema()))
  return ok and true, err
end

---Runs `body(store)` in a transaction: commits when it returns, rolls back when it raises or returns nil and an error.
---Inside, the store's own methods take part. An error of ours that `body` raises (as `assert` does) is returned.
---@param body fun(tx: fstore.Store): any, any
---@return any result what body returned (true for nothing), fstore.Error? err
function Store:transaction(body)
  check.type("store:transaction: body", body, "function")
  if self.connection:status() ~= "idle" then
    error("store:transaction: a transaction is open already", 2)
  end
  local ok, err = self.connection:exec("BEGIN")
  if not ok then
    return nil, err
  end
  self.first_error = nil
  local done, result, failure = xpcall(body, errors.from_script, self)
  failure = not done and result or result == nil and failure or self:failure()
  if failure then
    self.connection:exec("ROLLBACK")
    if errors.is(failure) and failure.kind == "script" then
      error(failure, 0)
    end
    return nil, failure
  end
  ok, err = self.connection:exec("COMMIT")
  if not ok then
    return nil, err
  end
  return result == nil and true or result
end

return store
