--- The documents of a view that keeps one per key: locked and read, folded in memory, written back.
local core = require "fstore.core"

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

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local new = {}
  for key, item in pairs(value) do
    new[key] = copy(item)
  end
  return setmetatable(new, getmetatable(value))
end

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

local function write(view, db, keys, current)
  local changed, gone = {}, {}
  for _, key in ipairs(keys) do
    if current[key] == nil then
      gone[#gone + 1] = key
    else
      changed[key] = current[key]
    end
  end
  assert(db:exec(WRITE:format(view.table, view.table), core.json.value(changed), list(gone)))
end

---Folds events into their documents, inside the transaction of `db`.
---@param view fstore.View
---@param db fstore.Store
---@param events fstore.Event[]
---@param at fun(index: integer) told the place of the event that is being folded
function documents.apply(view, db, events, at)
  at(1)
  local keys, distinct = keys_of(view, events)
  if #distinct == 0 then
    return
  end
  local current = read(view, db, distinct)
  for index, event in ipairs(events) do
    local key = keys[index]
    if key then
      at(index)
      local document = current[key]
      if document == nil then
        document = copy(view.initial_state)
      end
      current[key] = view.evolve[event.event](document, event)
    end
  end
  write(view, db, distinct, current)
end

return documents
