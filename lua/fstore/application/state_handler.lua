--- The state-stored handler: load a document with its version, decide, fold, save it if the version is still the same.
--- The events live for a moment only, between decide and evolve; a saga may react to them.
local check = require "fstore.check"
local commands = require "fstore.application.commands"
local core = require "fstore.core"
local decision = require "fstore.application.decision"
local errors = require "fstore.errors"
local handled_commands = require "fstore.application.handled_commands"

---@class fstore.StateHandlerOptions
---@field table string of the documents: `decider_id uuid, state jsonb, version bigint`
---@field attempts? integer how often a command is decided before a conflict is given up (default 10)
---@field saga? fstore.Saga its commands are handled in the same transaction

---@class fstore.StateHandler
---@field package store fstore.Store
---@field package decider fstore.Decider
local Handler = {}
Handler.__index = Handler
Handler.__name = "fstore.state_handler"

local state_handler = {}

---@param store fstore.Store
---@param decider fstore.Decider
---@param options fstore.StateHandlerOptions
---@return fstore.StateHandler
function state_handler.new(store, decider, options)
  options = check.options("fstore.state_handler", options,
    { table = "string", attempts = "integer|nil", saga = "table|nil" })
  return setmetatable({
    store = store, decider = decider, table = options.table, attempts = options.attempts or 10, saga = options.saga,
  }, Handler)
end

local IN_SCHEMA <const> = { in_schema = true }

local CREATE <const> = [[
  SELECT pg_advisory_xact_lock(hashtextextended('fstore.setup.%s', 0));
  SET LOCAL client_min_messages = warning;
  CREATE TABLE IF NOT EXISTS %s (decider_id uuid PRIMARY KEY, state jsonb NOT NULL, version bigint NOT NULL)]]

---Makes the table. Safe to repeat, and for several programs at once.
---@return true? done, fstore.Error? err
function Handler:prepare()
  return self.store:transaction(function(tx)
    assert(tx:exec(CREATE:format(self.table:gsub("'", "''"), self.table)))
    return true
  end, IN_SCHEMA)
end

local function load(self, decider_id)
  local rows = assert(self.store:exec(
    ("SELECT state, version FROM %s WHERE decider_id = $1::uuid"):format(self.table), decider_id))
  if rows[1] then
    return { state = rows[1].state, version = rows[1].version, heads = {} }
  end
  return { state = self.decider:initial(), version = 0, heads = {} }
end

-- What is new is inserted, what is known updated; a document that somebody else changed is left out of the count.
local SAVE <const> = [[
  WITH new AS (
    SELECT (d->>'decider_id')::uuid AS decider_id, d->'state' AS state, (d->>'version')::bigint AS version
    FROM jsonb_array_elements($1) AS d ORDER BY 1
  ), inserted AS (
    INSERT INTO %s AS t (decider_id, state, version) SELECT decider_id, state, 1 FROM new WHERE version = 0
    ON CONFLICT DO NOTHING RETURNING 1
  ), updated AS (
    UPDATE %s AS t SET state = new.state, version = t.version + 1 FROM new
    WHERE t.decider_id = new.decider_id AND t.version = new.version AND new.version > 0 RETURNING 1
  )
  SELECT (SELECT count(*) FROM inserted) + (SELECT count(*) FROM updated) AS saved]]

local function save(self, touched)
  local documents = core.json.array {}
  for decider_id, entry in pairs(touched) do
    documents[#documents + 1] = { decider_id = decider_id, state = entry.state, version = entry.version }
  end
  if #documents == 0 then
    return
  end
  local rows = assert(self.store:exec(SAVE:format(self.table, self.table), core.json.value(documents)))
  if rows[1].saved < #documents then
    error(errors.new("conflict", ("table %s: another command came first"):format(self.table)), 0)
  end
end

-- Whether the command was handled before: then there is nothing to decide.
local function is_repeated(self, accepted)
  local id = accepted.command.command_id
  local handled = accepted.digest and handled_commands.find(self.store, { id })[id]
  if handled and handled.digest ~= accepted.digest then
    error(commands.reused(accepted.command), 0)
  end
  return handled ~= nil and handled ~= false
end

local function decide_and_save(self, accepted)
  local entries = {}
  local function entry_of(decider_id)
    entries[decider_id] = entries[decider_id] or load(self, decider_id)
    return entries[decider_id]
  end
  local first = entry_of(accepted.command.decider_id)
  if is_repeated(self, accepted) then
    return first
  end
  local events, err, touched = decision.decide(self.decider, self.saga, accepted, entry_of)
  if not events then
    error(err, 0)
  end
  decision.check_states(self.decider, touched)
  save(self, touched)
  if accepted.digest then
    assert(handled_commands.record(self.store, {
      { command_id = accepted.command.command_id, digest = accepted.digest, event_ids = {} },
    }))
  end
  first.version = first.version + (touched[accepted.command.decider_id] and 1 or 0)
  return first
end

local CAME_SECOND <const> = { conflict = true, serialization = true }

---Handles one command. Raises nothing that a script did wrong: it comes back as an error of kind "script".
---@param command fstore.Command decider_id is a UUID or a business key
---@return any state nil on error, integer|fstore.Error version_or_err of the document after the command
function Handler:handle(command)
  local accepted = commands.accept(self.decider, command, "state_handler: command")
  local ok, entry, err
  for _ = 1, self.attempts do
    ok, entry, err = xpcall(self.store.transaction, errors.from_script, self.store, function()
      return decide_and_save(self, accepted)
    end, IN_SCHEMA)
    err = not ok and entry or err
    if not err or not (CAME_SECOND[err.kind] or handled_commands.came_second(err)) then
      break
    end
  end
  if err then
    return nil, err
  end
  return entry.state, entry.version
end

---The state of one decider.
---@param decider_id string UUID
---@return any state, integer version 0: there is no document, the state is the initial one
function Handler:state(decider_id)
  local entry = assert(self.store:transaction(function()
    return load(self, decider_id)
  end, IN_SCHEMA))
  return entry.state, entry.version
end

return state_handler
