--- A store of its own for a spec, and clients that know nothing but the SQL contract. With the variable SEED it is the
--- original schema, from that file, instead of ours.
local busted = require "busted"
local core = require "fstore.core"
local database = require "spec.support.database"
local session = require "spec.support.sql_session"

local store = {}

--- NULL in a list of values.
store.null = session.null

--- The file of the original schema, nil when the store is ours.
store.seed = os.getenv("SEED")
if store.seed == "" then store.seed = nil end

---@class spec.sql.Store
---@field conninfo string
---@field schema string
local Store = {}
local store_metatable = { __index = Store }

---@class spec.sql.Client: spec.sql.Session
local Client = setmetatable({}, { __index = session.Session })
local client_metatable = { __index = Client, __close = session.Session.close }

local function read_file(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

--- Installs the original in an empty schema of a database.
---@param conninfo string
---@param schema string
---@param path string
function store.install_seed(conninfo, schema, path)
  local installer = session.open(conninfo)
  installer:query("SET client_min_messages = warning")
  installer:query(('CREATE SCHEMA "%s"; SET search_path TO "%s"'):format(schema, schema))
  installer:query(read_file(path))
  installer:close()
end

local registered = {
  { "Order", "Placed" }, { "Order", "Shipped" }, { "Order", "Closed" }, { "Parcel", "Placed" }, { "Parcel", "Sent" },
}

-- A store in a fresh database: ours, or the original of that file.
local function open(seed)
  local self = setmetatable({ schema = seed and "original" or "fstore" }, store_metatable)
  self.conninfo = database.fresh { empty = seed ~= nil }
  if seed then store.install_seed(self.conninfo, self.schema, seed) end
  local client <close> = self:client()
  for _, names in ipairs(registered) do
    assert(client:call("register_decider_event", names[1], names[2], "for the specs"))
  end
  return self
end

--- A fresh store in which deciders Order and Parcel have events registered; with SEED, the original.
---@return spec.sql.Store
function store.open() return open(store.seed) end

--- A fresh store of ours, whatever SEED says.
---@return spec.sql.Store
function store.open_ours() return open(nil) end

--- A client with a session of its own, only search_path set.
---@return spec.sql.Client
function Store:client()
  return setmetatable(session.open(self.conninfo, self.schema), client_metatable)
end

-- What append_event takes, in the order of the contract.
local function arguments(event)
  return event.event or "Placed", event.event_id or core.uuid.v4(), event.decider or "Order", event.decider_id,
    event.data or "{}", event.command_id or core.uuid.v4(), event.previous_id, event.event_version or 1
end

--- Appends one event; all fields but decider_id have defaults (event Placed of decider Order).
---@param event table
---@return table? row
---@return spec.sql.Error? err
function Client:append(event)
  local rows, err = self:start_append(event):result()
  return rows and rows[1], err
end

---@param event table
---@return spec.sql.Statement
function Client:start_append(event) return self:start_call("append_event", arguments(event)) end

--- Appends a chain of `n` events to a new stream, one by one; returns their rows.
---@param decider_id string
---@param n integer
---@param more table? fields of each
---@return table[] rows
function Client:append_chain(decider_id, n, more)
  local rows = {}
  for i = 1, n do
    local event = { decider_id = decider_id, previous_id = i > 1 and rows[i - 1].event_id or nil }
    for key, value in pairs(more or {}) do event[key] = value end
    rows[i] = assert(self:append(event))
  end
  return rows
end

--- The offsets that stream_events hands out.
---@param view string
---@param limit integer? default 10
---@param seconds integer? default the store's own
---@return integer[] offsets
function Client:stream(view, limit, seconds)
  local rows
  if seconds then
    rows = assert(self:call("stream_events", view, limit or 10, seconds))
  else
    rows = assert(self:call("stream_events", view, limit or 10))
  end
  local offsets = {}
  for i, row in ipairs(rows) do offsets[i] = row.offset end
  return offsets
end

--- Reads a view to its end as a well-behaved consumer does, one event at a time.
---@param view string
---@return integer[] offsets in the order they came
function Client:consume(view)
  local offsets = {}
  while true do
    local event = assert(self:call("stream_events", view, 1))[1]
    if not event then return offsets end
    offsets[#offsets + 1] = event.offset
    assert(self:call("ack_event", view, event.decider_id, event.offset))
  end
end

--- Leases events, with their tokens.
---@param view string
---@param limit integer? default 100
---@param seconds integer? default the view's; 0: a lease that is over at once
---@return table[] rows
function Client:lease(view, limit, seconds)
  return assert(self:call("lease_events", view, limit or 100, seconds))
end

--- Acks one event by its lease.
---@param view string
---@param event table a row of `lease`
---@return boolean accepted
function Client:ack(view, event)
  return #assert(self:call("ack_event", view, event.decider_id, event.offset, event.token)) == 1
end

--- Drops the database.
function Store:close()
  session.close_all()
  database.drop(self.conninfo)
end

store_metatable.__close = Store.close

--- One store for all specs of a `describe`; each spec's clients are closed when it ends.
---@return fun(): spec.sql.Client client opens one
---@return fun(): spec.sql.Store get
function store.shared()
  local self
  busted.setup(function() self = store.open() end)
  busted.after_each(session.close_all)
  busted.teardown(function() self:close() end)
  return function() return self:client() end, function() return self end
end

return store
