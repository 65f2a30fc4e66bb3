--- Log lines on stderr, for a host that is left running: text for people, or JSON for programs.
---
---   log.add_to_parser(parser)                 -- the option --log text|json
---   log.use(args.log)                         -- once
---   log.event { message = "handled", view = "orders", partition = id, event = "OrderPlaced", offset = 12 }
local json = require "fstore.core".json
local uv = require "luv"

---@class fstore.host.LogEvent further fields of any name are logged as well
---@field message string what happened, in a word or two: "handled", "failed", "parked"
---@field level "info"|"warning"|"error"|nil (default "info")
---@field view string?
---@field partition string? its decider_id
---@field event string? its name
---@field offset integer?
---@field duration_ms number?
---@field error string?

local log = {
  ---Where the lines go.
  ---@type fun(line: string)
  write = function(line)
    io.stderr:write(line .. "\n") -- as a whole: workers write to the same place
  end,
  ---What time it is, in seconds and microseconds.
  ---@type fun(): integer, integer
  clock = uv.gettimeofday,
}

local FIELDS <const> = { "view", "partition", "event", "offset", "duration_ms" }
local AHEAD <const> = { at = true, level = true, message = true }
for _, field in ipairs(FIELDS) do
  AHEAD[field] = true
end

local function now()
  local seconds, microseconds = log.clock()
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", seconds), microseconds // 1000)
end

-- A line is a line, and its fields can be told apart, whatever an error's text holds.
local function text_of(value)
  if math.type(value) == "float" then
    return ("%.1f"):format(value)
  end
  local text = tostring(value)
  return text:find("^[^%s%c\"=\\]+$") and text or json.encode(text)
end

local formats = {}

function formats.text(entry)
  local others = {}
  for field in pairs(entry) do
    others[#others + 1] = not AHEAD[field] and field or nil
  end
  table.sort(others)
  local parts = { ("%s %-7s %s"):format(entry.at, entry.level, entry.message) }
  for _, field in ipairs(table.move(others, 1, #others, #FIELDS + 1, { table.unpack(FIELDS) })) do
    parts[#parts + 1] = entry[field] ~= nil and field .. "=" .. text_of(entry[field]) or nil
  end
  return table.concat(parts, " ")
end

formats.json = json.encode

local format = formats.text

---@param parser table argparse's
function log.add_to_parser(parser)
  parser:option "--log" :argname "FORMAT" :choices { "text", "json" }
    :description "Write a line on stderr for all that happens, as text or as JSON: view, partition, event, duration."
end

---@param name "text"|"json"|nil (default "text")
function log.use(name)
  format = formats[name or "text"]
end

---Writes one line.
---@param event fstore.host.LogEvent
function log.event(event)
  local entry = { at = now(), level = "info" }
  for field, value in pairs(event) do
    entry[field] = value
  end
  log.write(format(entry))
end

return log
