--- `fstore-lua check`: loads scripts and says what they are. No database.
local by_type = require "fstore.model.by_type"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local script = require "fstore.model.script"

local check = {}

function check.add_to_parser(parser)
  parser:description "Load scripts and check them, without a database: syntax, declared events, upcast chains, purity."
  parser:argument "scripts" :args "+" :argname "SCRIPT"
    :description "Lua scripts that return a decider, a view or a saga."
end

local function events_of(value)
  if not value.streams then
    return value.event_names
  end
  local names = {}
  for _, events in pairs(value.streams) do
    for name in pairs(events) do
      names[name] = true
    end
  end
  return by_type.names(names)
end

local function describe(path, value)
  return {
    script = path, kind = script.kind(value), name = value.name, events = events_of(value),
    commands = value.streams and value:commands() or nil,
  }
end

local HEADINGS <const> = { "script", "kind", "name", "commands", "events" }

local function show(output, found)
  if not output.is_table then
    for _, each in ipairs(found) do
      output:json(each)
    end
    return
  end
  local rows = {}
  for index, each in ipairs(found) do
    rows[index] = {
      each.script, each.kind, each.name, table.concat(each.commands or {}, " "), table.concat(each.events, " "),
    }
  end
  output:table(HEADINGS, rows)
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function check.run(context, args)
  local found, failed = {}, 0
  for _, path in ipairs(args.scripts) do
    local value, err = script.load(path)
    if value then
      found[#found + 1] = describe(path, value)
    else
      failed = failed + 1
      context.say("fstore-lua: " .. tostring(err))
    end
  end
  if #found > 0 then
    show(context.output, found)
    context.output:flush()
  end
  if failed > 0 and #args.scripts > 1 then
    error(errors.new("script", ("%d of %d scripts are wrong"):format(failed, #args.scripts)), 0)
  end
  return failed > 0 and exit_code.SCRIPT or exit_code.DONE
end

return check
