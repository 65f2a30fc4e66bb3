--- The documents of a view that keeps one per key: locked and read, folded in memory, written back.
local core = require "fstore.core"
local value = require "fstore.model.value"

local documents = {}

---The SQL that makes the table.
---@param view fstore.View
---@return string
function documents.setup(view)
  return ("CREATE TABLE IF NOT EXISTS %s (key text PRIMARY KEY, document jsonb NOT NULL)"):format(view.table)
end

local function list(items)
  return core.json.value(core.json.array(items))
end

-- A document under construction is JSON null: the row is there only to be locked against other consumers.
local READ <const> = [[
  INSERT INTO %s AS d (key, document) SELECT k, 'null' FROM jsonb_array_elements_text($1) AS k ORDER BY k
  ON CONFLICT (key) DO UPDATE SET document = d.document RETURNING key, document]]
local WRITE <const> = [[
  WITH gone AS (DELETE FROM %s WHERE key IN (SELECT jsonb_array_elements_text($2)))
  UPDATE %s AS d SET document = n.document FROM jsonb_each($1) AS n (key, document) WHERE d.key = n.key]]

local function keys_of(view, events)
  local keys, distinct, seen = {}, {}, {}
  for index, event in ipairs(events) do
    local key = view:handles(event.event) and view.key(event) or nil
    if key ~= nil and type(key) ~= "string" then
      error(("view %s: key must return a string or nil, not a %s"):format(view.name, type(key)), 0)
    end
    keys[index] = key or false
    if key and not seen[key] then
      seen[key] = true
      distinct[#distinct + 1] = key
    end
  end
  return keys, distinct
end

local function read(view, db, keys)
  local rows = assert(db:exec(READ:format(view.table), list(keys)))
  local found = {}
  for _, row in ipairs(rows) do
    if row.document ~= core.json.null then
      found[row.key] = row.document
    end
  end
  return found
end

-- Raises for a document that JSON cannot hold, with the event that made it so at fault.
local function check(view, events, current, last, at)
  for key, index in pairs(last) do
    local problem = value.problem("document", current[key] == nil and core.json.null or current[key])
    if problem then
      at(index)
      local place = view:place(events[index])
      error(("%sdocument %s after %s: %s"):format(place and place .. ": " or "", key, events[index].event, problem), 0)
    end
  end
end

local function write(view, db, keys, current, explain)
  local changed, gone = {}, {}
  for _, key in ipairs(keys) do
    if current[key] == nil then
      gone[#gone + 1] = key
    else
      changed[key] = current[key]
    end
  end
  local ok, encoded = pcall(core.json.value, changed)
  if not ok then
    explain()
    error(encoded, 0)
  end
  assert(db:exec(WRITE:format(view.table, view.table), encoded, list(gone)))
end

---Folds events into their documents, inside the transaction of `db`.
---@param view fstore.View
---@param db fstore.Store
---@param events fstore.Event[]
---@param at fun(index: integer): boolean? told the place of the event being folded; true: it ends before this one
---@return integer count of the events that were folded
function documents.apply(view, db, events, at)
  at(1)
  local keys, distinct = keys_of(view, events)
  if #distinct == 0 then
    return #events
  end
  local current, last, count = read(view, db, distinct), {}, #events
  for index, event in ipairs(events) do
    local key = keys[index]
    if key then
      if at(index) then
        count = index - 1
        break
      end
      local document = current[key]
      if document == nil then
        document = view:initial()
      end
      current[key] = view.evolve[event.event](document, event)
      last[key] = index
    end
  end
  write(view, db, distinct, current, function()
    check(view, events, current, last, at)
  end)
  return count
end

return documents
