--- What a client of a schema can rely on, read from PostgreSQL's catalogue: columns, functions, and what the store says
--- to a misuse.
local core = require "fstore.core"
local uuid = core.uuid.v4

local catalogue = {}

---@class spec.sql.Catalogue
---@field columns table<string, table[]> by table: { name =, type =, default =, is_required = }
---@field functions table<string, table> by name: { result =, parameters = { { name =, type =, default = } } }
---@field misuses table<string, { sqlstate: string, message: string }>

local tables = { "deciders", "events", "views", "locks" }
local functions = {
  "register_decider_event", "append_event", "get_events", "get_last_event", "register_view", "stream_events",
  "ack_event", "nack_event", "schedule_nack_event",
}

-- Without the schema's name.
local function bare(text, schema) return text and (text:gsub(schema .. "%.", ""):gsub('"' .. schema .. '"%.', "")) end

local function read_columns(client, schema)
  local columns = {}
  for _, name in ipairs(tables) do
    columns[name] = client:query([[
      SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS is_required,
        pg_get_expr(d.adbin, d.adrelid) AS default
      FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum]], schema .. "." .. name)
    for _, column in ipairs(columns[name]) do column.default = bare(column.default, schema) end
  end
  return columns
end

local function read_parameters(text)
  local parameters = {}
  for parameter in (text .. ", "):gmatch("(.-), ") do
    local name, rest = parameter:match("^(%S+) (.*)$")
    local type, default = rest:match("^(.*) DEFAULT (.*)$")
    parameters[#parameters + 1] = { name = name, type = type or rest, default = default }
  end
  return parameters
end

local function read_functions(client, schema)
  local found = {}
  for _, name in ipairs(functions) do
    local row = client:query([[
      SELECT pg_get_function_arguments(oid) AS arguments, pg_get_function_result(oid) AS result
      FROM pg_proc WHERE proname = $1 AND pronamespace = $2::regnamespace]], name, schema)[1]
    found[name] = { result = bare(row.result, schema), parameters = read_parameters(row.arguments) }
  end
  return found
end

-- What clients do wrong, each with what is needed before.
local misuses = {
  ["a second first event"] = function(client, id)
    client:append_chain(id, 1)
    return client:append { decider_id = id }
  end,
  ["a previous event that has a successor"] = function(client, id)
    local chain = client:append_chain(id, 2)
    return client:append { decider_id = id, previous_id = chain[1].event_id }
  end,
  ["a previous event of another stream"] = function(client, id)
    client:append_chain(id, 1)
    return client:append { decider_id = id, previous_id = client:append_chain(uuid(), 1)[1].event_id }
  end,
  ["a previous event that is not there"] = function(client, id)
    return client:append { decider_id = id, previous_id = uuid() }
  end,
  ["an event_id that is there"] = function(client, id)
    local event = client:append_chain(id, 1)[1]
    return client:append { decider_id = uuid(), event_id = event.event_id }
  end,
  ["an event that is not registered"] = function(client, id)
    return client:append { decider_id = id, event = "Plaecd" }
  end,
  ["a decider that is not registered"] = function(client, id)
    return client:append { decider_id = id, decider = "Oder" }
  end,
  ["a version that is not registered"] = function(client, id)
    return client:append { decider_id = id, event_version = 9 }
  end,
  ["an event behind the final one"] = function(client, id)
    local final = client:query([[INSERT INTO events (event, event_id, decider, decider_id, data, command_id, final)
      VALUES ('Closed', $1, 'Order', $2, '{}', $1, true) RETURNING *]], uuid(), id)[1]
    return client:append { decider_id = id, previous_id = final.event_id }
  end,
  ["an event without data"] = function(client, id)
    return client:call("append_event", "Placed", uuid(), "Order", id, nil, uuid(), nil)
  end,
  ["an event registered twice"] = function(client)
    return client:call("register_decider_event", "Order", "Placed", "again")
  end,
  ["a view without a name"] = function(client) return client:call("register_view", nil) end,
  ["a negative limit"] = function(client)
    assert(client:call("register_view", "of a negative limit"))
    return client:call("stream_events", "of a negative limit", -1)
  end,
}

local function read_misuses(client)
  local answers = {}
  for what, misuse in pairs(misuses) do
    local done, err = misuse(client, uuid())
    assert(not done, what)
    answers[what] = { sqlstate = err.sqlstate, message = err.message }
  end
  return answers
end

--- Needs the registrations of sql_store.
---@param client spec.sql.Client
---@param schema string
---@return spec.sql.Catalogue
function catalogue.read(client, schema)
  return { columns = read_columns(client, schema), functions = read_functions(client, schema),
    misuses = read_misuses(client) }
end

return catalogue
