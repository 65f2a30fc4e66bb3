--- `fstore-lua events`: what is in the log.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local ids = require "fstore.ids"
local signals = require "fstore.host.signals"

local events = {}

local PAGE <const> = 1000

function events.add_to_parser(parser)
  parser:description "Print the events of the log in order, or those of one decider, or of one stream."
  parser:option "--decider" :argname "NAME" :description "Only events of this decider."
  parser:option "--id" :description "Only events with this decider_id: a UUID, or (with --decider) a business key."
  parser:option "--after" :argname "OFFSET" :convert(math.tointeger) :default "0" :description "Only later events."
  parser:option "--limit" :argname "N" :convert(math.tointeger) :description "At most so many."
end

local function decider_id(args)
  if not args.id then
    return nil
  end
  if args.decider then
    return ids.decider_id(args.decider, args.id)
  end
  if not require "fstore.core".uuid.is_uuid(args.id) then
    error(errors.new("usage", ("--id %s is a business key: name its decider with --decider"):format(args.id)), 0)
  end
  return args.id
end

local HEADINGS <const> = { "offset", "created_at", "decider", "decider_id", "event", "data" }

local function show(output, page)
  if not output.is_table then
    for _, event in ipairs(page) do
      output:json(event)
    end
    return
  end
  local rows = {}
  for index, event in ipairs(page) do
    rows[index] = {
      event.offset, event.created_at:sub(1, 19):gsub("T", " "), event.decider, event.decider_id, event.event,
      event.raw_data,
    }
  end
  output:table(HEADINGS, rows)
end

local function print_all(context, args)
  local store = context:store()
  local filter = { after = args.after, decider = args.decider, decider_id = decider_id(args) }
  local left = args.limit or math.maxinteger
  repeat
    filter.limit = math.min(PAGE, left)
    local page, err = store:read_events(filter)
    if not page then
      error(err, 0)
    end
    show(context.output, page)
    context.output:flush()
    left = left - #page
    filter.after = #page > 0 and page[#page].offset or filter.after
  until #page < PAGE or left <= 0 or signals.stop_asked()
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function events.run(context, args)
  signals.listen()
  local ok, err = pcall(print_all, context, args)
  if not ok and not (errors.is(err) and err.kind == "output") then
    error(err, 0)
  end
  return exit_code.DONE
end

return events
