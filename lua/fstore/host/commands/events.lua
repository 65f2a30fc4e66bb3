--- `fstore-lua events`: what is in the log.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local follower = require "fstore.host.follower"
local partition = require "fstore.host.partition"
local reader = require "fstore.host.reader"
local signals = require "fstore.host.signals"

local events = {}

local PAGE <const> = 1000

local function whole_number(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 0 then
    return nil, ("'%s' is no whole number from 0 on"):format(text)
  end
  return number
end

function events.add_to_parser(parser)
  parser:description "Print the events of the log in order, or those of one decider, or of one stream."
  parser:option "--decider" :argname "NAME" :description "Only events of this decider."
  parser:option "--id" :argname "ID"
    :description "Only events with this decider_id: a UUID, or (with --decider) a business key."
  parser:option "--after" :argname "OFFSET" :convert(whole_number) :default "0" :description "Only later events."
  parser:option "--limit" :argname "N" :convert(whole_number) :description "At most so many."
  parser:flag "--follow" :description(
    "Go on with new events as they come, in the order of their offsets. An event is shown when no transaction is open "
    .. "any more that may commit one ahead of it: while such a transaction stays open, what comes after it waits.")
end

local HEADINGS <const> = { "offset", "created_at", "decider", "decider_id", "event", "data" }

---@class fstore.host.EventsRun
---@field output fstore.host.Output
---@field left integer how many may still be shown
---@field widths integer[]? of the table so far

local function show(run, page)
  run.left = run.left - #page
  if not run.output.is_table then
    for _, event in ipairs(page) do
      run.output:json(event)
    end
  elseif #page > 0 or not run.widths then
    local rows = {}
    for index, event in ipairs(page) do
      rows[index] = {
        event.offset, event.created_at:sub(1, 19):gsub("T", " "), event.decider, event.decider_id, event.event,
        event.raw_data,
      }
    end
    run.widths = run.output:table(HEADINGS, rows, run.widths)
  end
  run.output:flush()
end

local function print_all(run, store, filter)
  repeat
    filter.limit = math.min(PAGE, run.left)
    local page, err = store:read_events(filter)
    if not page then
      error(err, 0)
    end
    show(run, page)
    filter.after = #page > 0 and page[#page].offset or filter.after
  until #page < PAGE or run.left <= 0 or signals.stop_asked()
end

local HELD_UP_S <const> = 3

-- What stands in the way for longer than an append takes is said once, each time that it happens.
local function tell_held_up(log, say, was_told)
  local is_held_up = log:held_up_for() > HELD_UP_S
  if is_held_up and not was_told then
    say(("events behind offset %d wait: a transaction is open that may commit one ahead of them "
      .. "(fstore-lua doctor names old ones)"):format(log.complete_to))
  end
  return is_held_up
end

-- Who follows for long may lose the database: the next one goes on where this one stopped.
local PLACE <const> = {
  __close = function(filter, err)
    if errors.is(err) and err.kind == "connection" then
      err.hint = ("--after %d goes on behind the last event shown"):format(filter.after)
    end
  end,
}

local function follow(run, store, filter, say)
  local place <close> = setmetatable(filter, PLACE)
  local log, is_read, was_told = follower.new(store, place), reader.watch(), false
  while run.left > 0 and is_read() and not signals.stop_asked() do
    local page = log:page(math.min(PAGE, run.left))
    show(run, page)
    if #page == 0 then
      was_told = tell_held_up(log, say, was_told)
      log:wait()
    end
  end
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function events.run(context, args)
  signals.listen(true)
  local store = context:store()
  local filter = { after = args.after, decider = args.decider, decider_id = partition.id(args.id, args.decider) }
  local run = { output = context.output, left = args.limit or math.maxinteger };
  (args.follow and follow or print_all)(run, store, filter, context.say)
  return exit_code.DONE
end

return events
