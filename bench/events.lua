--- The events that the rows append, and the SQL that the baselines append them by.
local core = require "fstore.core"

local events = {}

local DATA <const> = { item = "book", price = { amount = 1999, currency = "EUR" }, quantity = 2, customer = "Ada" }

---A source of new events in streams of so many.
---@param length integer
---@return fun(): fstore.NewEvent
function events.source(length)
  local decider_id, last_id
  local place = 0
  return function()
    if place == 0 then
      decider_id, last_id = core.uuid.v7(), nil
    end
    place = (place + 1) % length
    local event = {
      event = "OrderPlaced", decider = "Order", decider_id = decider_id, data = DATA, command_id = core.uuid.v7(),
      event_id = core.uuid.v7(), previous_id = last_id,
    }
    last_id = event.event_id
    return event
  end
end

---@param source fun(): fstore.NewEvent
---@param count integer
function events.list(source, count)
  local list = {}
  for index = 1, count do
    list[index] = source()
  end
  return list
end

events.INSERT = [[
  INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
  VALUES ('OrderPlaced', $1, 'Order', $2, $3, $4, $5) RETURNING "offset", created_at]]

events.INSERT_BATCH = [[
  INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
  SELECT 'OrderPlaced', n.event_id, 'Order', n.decider_id, n.data, n.command_id, n.previous_id
  FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[], $4::uuid[], $5::uuid[])
    AS n (event_id, decider_id, data, command_id, previous_id)
  RETURNING "offset", created_at]]

events.ORIGINAL = [[
  SELECT "offset", created_at FROM append_event('OrderPlaced', $1, 'Order', $2, $3, $4, $5)]]

-- Replicas fire no triggers: nothing is checked, and the locks are filled in behind, in the order of appends.
local FILL <const> = [[
  SET LOCAL search_path = $schema;
  SET LOCAL session_replication_role = replica;
  INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id)
  SELECT 'OrderPlaced', uuid_of(n * $streams + s), 'Order', md5('decider' || s)::uuid,
    '{"item": "book", "price": {"amount": 1999, "currency": "EUR"}, "quantity": 2, "customer": "Ada"}',
    uuid_of(n * $streams + s), CASE WHEN n > 1 THEN uuid_of((n - 1) * $streams + s) END
  FROM generate_series(1, $length) AS n CROSS JOIN generate_series(1, $streams) AS s;
  INSERT INTO locks (view, decider_id, "offset", last_offset, locked_until, offset_final $columns)
  SELECT v.view, e.decider_id, e.head, $last, now(), false $values
  FROM views AS v
  CROSS JOIN (
    SELECT decider_id, max("offset") AS head, min("offset") AS tail FROM events GROUP BY decider_id
  ) AS e
  ORDER BY e.tail, v.view]]

local function fill(connection, schema, options)
  local place = { schema = schema, streams = options.streams, length = options.length or 1,
    last = options.handled and "e.head" or "0", columns = options.columns or "", values = options.values or "" }
  local sql = FILL:gsub("uuid_of(%b())", "lpad(to_hex%1, 32, '0')::uuid"):gsub("%$(%w+)", place)
  assert(connection:exec(sql))
end

---The decider_id of a stream that `fill` made.
---@param store fstore.Store
---@param stream integer
---@return string
function events.decider_id(store, stream)
  return assert(store:exec("SELECT md5('decider' || $1)::uuid AS id", stream))[1].id
end

---Makes so many streams of so many events quickly. They are pending for every view, unless handled already.
---@param store fstore.Store
---@param options { streams: integer, length: integer?, handled: boolean? }
function events.fill(store, options)
  options.columns, options.values = ", pending_from", options.handled and ", NULL" or ", e.tail"
  fill(store, store:schema(), options)
end

---The same for the original schema.
---@param connection fstore.Connection
---@param schema string
---@param options { streams: integer, length: integer?, handled: boolean? }
function events.fill_original(connection, schema, options)
  fill(connection, schema, options)
end

return events
