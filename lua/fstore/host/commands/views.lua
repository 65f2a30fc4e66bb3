--- `fstore-lua views`: how far each view has come, and what is parked.
local exit_code = require "fstore.host.exit_code"
local output = require "fstore.host.output"
local screen = require "fstore.host.screen"
local signals = require "fstore.host.signals"
local words = require "fstore.host.words"

local views = {}

local EVERY_S <const> = 2

local function positive_number(text)
  local number = tonumber(text)
  if not number or number <= 0 or number > 86400 then
    return nil, ("'%s' is no number of seconds"):format(text)
  end
  return number
end

function views.add_to_parser(parser)
  parser:description("Show the registered views: what is pending, leased and parked, and how old the oldest pending "
    .. "event is. What is parked is not pending.")
  parser:argument "view" :args "?" :description "Only this view."
  parser:flag "--parked" :description(
    "List the parked partitions: since when, after how many attempts, the event that they stopped at, what went wrong.")
  parser:option "--watch" :args "?" :argname "SECONDS" :convert(positive_number) :description(
    ("Show it again and again (every %d s), in place on a terminal, until Ctrl-C."):format(EVERY_S))
end

---@class fstore.host.ViewList what is shown of the views
---@field fields string[] of a row, as NDJSON has them
---@field headings string[]
---@field nothing string said when there are no rows
---@field rows fun(store: fstore.Store, view: string?): table[]?, fstore.Error?
---@field cells fun(row: table): any[]

---@type fstore.host.ViewList
local progress = {
  fields = {
    "view", "pending_events", "pending_partitions", "leased_partitions", "parked_partitions", "oldest_pending_s",
  },
  headings = { "view", "pending events", "pending partitions", "leased", "parked", "oldest pending" },
  nothing = "no view is registered",
}

function progress.rows(store, view)
  return store:exec(([[
    SELECT view, pending_events, pending_partitions, leased_partitions, parked_partitions,
      round(extract(epoch FROM now() - oldest_pending_at)::numeric, 3)::float8 AS oldest_pending_s
    FROM %s.view_status($1)]]):format(store:quoted_schema()), view)
end

function progress.cells(row)
  return {
    row.view, row.pending_events, row.pending_partitions, row.leased_partitions, row.parked_partitions,
    words.duration(row.oldest_pending_s),
  }
end

---@type fstore.host.ViewList
local parked = {
  fields = {
    "view", "decider_id", "attempts", "parked_at", "offset", "decider", "event", "event_id", "last_error",
  },
  headings = { "view", "decider_id", "attempts", "parked at", "offset", "event", "error" },
  nothing = "nothing is parked",
}

function parked.rows(store, view)
  return store:parked_events(view)
end

function parked.cells(row)
  return {
    row.view, row.decider_id, row.attempts, row.parked_at:sub(1, 19):gsub("T", " "), row.offset, row.event,
    row.last_error and row.last_error:match("[^\n]*"),
  }
end

local function table_lines(list, rows)
  local cells = {}
  for index, row in ipairs(rows) do
    cells[index] = list.cells(row)
  end
  return (output.table_lines(list.headings, cells))
end

local function print_json(out, list, rows, at)
  for _, row in ipairs(rows) do
    local line = { at = at }
    for _, field in ipairs(list.fields) do
      line[field] = row[field]
    end
    out:json(line)
  end
  out:flush()
end

local function read(store, list, view)
  local rows, err = list.rows(store, view)
  if not rows then
    error(err, 0)
  end
  return rows
end

local function print_once(context, list, rows)
  local out = context.output
  if #rows == 0 then
    context.say(list.nothing)
  elseif out.is_table then
    out:text(table.concat(table_lines(list, rows), "\n") .. "\n")
    out:flush()
  else
    print_json(out, list, rows)
  end
end

-- Waits for the next round; false when the program was asked to stop.
local function pause(store, seconds)
  local ok, err = store:wait(math.ceil(seconds * 1000))
  if ok == nil then
    error(err, 0)
  end
  return not signals.stop_asked()
end

local function watch(out, store, list, args)
  local seconds = args.watch[1] or EVERY_S
  local shown <close> = out.is_table and screen.open(out) or nil
  repeat
    local rows, at = read(store, list, args.view), os.date("!%Y-%m-%dT%H:%M:%SZ")
    if shown then
      local lines = table_lines(list, rows)
      table.move({ "", ("%s, every %g s, Ctrl-C ends"):format(at, seconds) }, 1, 2, #lines + 1, lines)
      shown:show(lines)
    else
      print_json(out, list, rows, at)
    end
  until not pause(store, seconds)
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function views.run(context, args)
  local store, list = context:store(), args.parked and parked or progress
  if args.view and #read(store, progress, args.view) == 0 then
    context.say(("no view %s is registered"):format(args.view))
    return exit_code.REFUSED
  end
  if args.watch then
    signals.listen(true)
    watch(context.output, store, list, args)
  else
    print_once(context, list, read(store, list, args.view))
  end
  return exit_code.DONE
end

return views
