--- The commands handled before, kept by the store: a repetition is answered, not handled again.
local core = require "fstore.core"

local handled_commands = {}

local function json_list(items)
  return core.json.value(core.json.array(items))
end

-- The events of one stream that a command led to: they stand together.
local function read_events(store, row, events)
  local left = row.events
  for event in store:get_events(row.decider_id, row.decider, { after = row.first_offset - 1, page = left }) do
    events[#events + 1], left = event, left - 1
    if left == 0 then
      break
    end
  end
end

---@class fstore.HandledCommand
---@field digest string UUID
---@field rows table[] one for each stream it led to events in

---Of some commands, those handled before.
---@param store fstore.Store
---@param command_ids string[] UUIDs
---@return table<string, fstore.HandledCommand> by command_id; raises the error of the database
function handled_commands.find(store, command_ids)
  local rows, err = store:exec(("SELECT * FROM %s.handled_commands($1::uuid[])"):format(store:quoted_schema()),
    "{" .. table.concat(command_ids, ",") .. "}")
  if not rows then
    error(err, 0)
  end
  local found = {}
  for _, row in ipairs(rows) do
    local handled = found[row.command_id] or { digest = row.digest, rows = {} }
    handled.rows[#handled.rows + 1] = row.decider and row or nil
    found[row.command_id] = handled
  end
  return found
end

---The events that a command led to, in order.
---@param store fstore.Store
---@param handled fstore.HandledCommand
---@return fstore.Event[]
function handled_commands.events(store, handled)
  local events = {}
  for _, row in ipairs(handled.rows) do
    read_events(store, row, events)
  end
  table.sort(events, function(a, b) return a.offset < b.offset end)
  return events
end

---Records commands as handled; to be called in the transaction that stores what they led to.
---@param store fstore.Store
---@param records { command_id: string, digest: string, event_ids: string[] }[]
---@return true? done, fstore.Error? err
function handled_commands.record(store, records)
  local list = {}
  for index, record in ipairs(records) do
    list[index] = {
      command_id = record.command_id, digest = record.digest, event_ids = core.json.array(record.event_ids),
    }
  end
  local ok, err = store:exec(("SELECT FROM %s.record_commands($1)"):format(store:quoted_schema()), json_list(list))
  return ok and true, err
end

---Whether an error says that a command of the set was recorded by somebody else at the same moment.
---@param err fstore.Error
---@return boolean
function handled_commands.came_second(err)
  return err.constraint == "commands_pkey"
end

return handled_commands
