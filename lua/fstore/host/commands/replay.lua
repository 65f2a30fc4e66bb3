--- `fstore-lua replay`: moves a view back, so that events it has handled come again.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local partition = require "fstore.host.partition"
local progress = require "fstore.host.progress"
local signals = require "fstore.host.signals"
local uv = require "luv"
local words = require "fstore.host.words"

local replay = {}

function replay.add_to_parser(parser)
  parser:description(
    "Move a view back, so that the events it has handled come again, in order. It says what it would do and asks "
    .. "first; then it shows how the view's hosts (fstore-lua project) catch up. Consumers may be at work: what they "
    .. "have in hand is neither written nor acked any more.")
  parser:epilog(
    "A replay does not empty what the view has written. Handlers that bear repetition need nothing else. For the "
    .. "others, and for views that keep documents, empty it in one transaction with the replay, which is as safe:\n"
    .. "  fstore-lua db psql -- -1 -c 'TRUNCATE orders' -c \"SELECT count(*) FROM replay_view('orders')\"")
  parser:argument "view" :description "Name of the view."
  parser:option "--from" :argname "TIME|OFFSET" :description(
    "Go back to the first event created at this time or later, or with this offset or a larger one (default: to where "
    .. "the view starts). A number is an offset; a time is any that PostgreSQL knows: '2026-11-25 08:00+01', "
    .. "yesterday.")
  parser:option "--decider" :argname "NAME"
    :description "Only partitions with events of this decider, from the first of these."
  parser:option "--id" :argname "ID"
    :description "Only this partition: a decider_id, or (with --decider) a business key."
  parser:flag "--yes" :description "Do not ask."
  parser:flag "--no-wait" :description "Leave at once, do not show how the view catches up."
end

local function check(result, err)
  if not result then
    error(err, 0)
  end
  return result
end

-- What is to be handled again, as the store takes it.
local function selection(store, args)
  local chosen = { decider = args.decider, decider_id = partition.id(args.id, args.decider) }
  if args.from and args.from:find("^%d+$") then
    chosen.from_offset = math.tointeger(args.from)
  elseif args.from then
    local rows, err = store:exec("SELECT $1::timestamptz::text AS time", args.from)
    if not rows and err.kind ~= "invalid" then
      error(err, 0)
    end
    chosen.from_time = rows and rows[1].time
  end
  if args.from and not (chosen.from_offset or chosen.from_time) then
    error(errors.new("usage", ("--from: '%s' is neither a time nor an offset"):format(args.from)), 0)
  end
  return chosen
end

local function describe(view, chosen, plan)
  local from = chosen.from_time and (" (created from %s on)"):format(chosen.from_time)
    or chosen.from_offset and (" (from offset %d on)"):format(chosen.from_offset) or ""
  local text = ("view %s goes back: %s, %s%s"):format(view, words.count(plan.partitions, "partition"),
    words.count(plan.events, "event"), from)
  if plan.parked > 0 then
    text = ("%s\n  %s parked: none of these events comes before `fstore-lua resume`"):format(text,
      words.count(plan.parked, "partition"))
  end
  return text
end

local function is_confirmed(args)
  if args.yes then
    return true
  elseif uv.guess_handle(0) ~= "tty" then
    error(errors.new("usage", "nothing was done: stdin is no terminal to ask on",
      { hint = "--yes says that you mean it" }), 0)
  end
  io.stderr:write("Go on? [y/N] ")
  local answer = (io.read() or ""):lower()
  return answer == "y" or answer == "yes"
end

local LOOK_EVERY_MS <const>, LONGEST_PAUSE_MS <const> = 200, 10000
local PATIENCE_S <const> = 3

-- Counting what is left costs the more, the more it is: most of the time is left to the consumers.
local function count_left(store, view, until_offset, id)
  local started = uv.hrtime()
  local left = check(store:pending_events(view, until_offset, id))
  local pause = math.max(LOOK_EVERY_MS, (uv.hrtime() - started) // 100000)
  return left, math.min(pause, LONGEST_PAUSE_MS)
end

local function sleep(store, milliseconds)
  local ok, err = store:wait(milliseconds)
  if ok == nil then
    error(err, 0)
  end
end

-- Shows how the view catches up, until it has or the program is asked to stop. Returns how many events are left.
local function watch(context, store, args, chosen, until_offset)
  signals.listen(true)
  local left, pause = count_left(store, args.view, until_offset, chosen.decider_id)
  local total, moved_at, was_told = left, uv.hrtime(), false
  local bar <close> = progress.new("events", total)
  while left > 0 and not signals.stop_asked() do
    bar:update(total - left, total - left)
    sleep(store, pause)
    local before = left
    left, pause = count_left(store, args.view, until_offset, chosen.decider_id)
    moved_at = left == before and moved_at or uv.hrtime()
    if not was_told and uv.hrtime() - moved_at > PATIENCE_S * 1e9 then
      bar:clear()
      context.say(("nothing moves: does a host run view %s? The replay itself is done, Ctrl-C leaves")
        :format(args.view))
      was_told = true
    end
  end
  return left
end

local function report(context, view, left, seconds)
  if left > 0 then
    context.say(("view %s: %s still to come"):format(view, words.count(left, "event")))
  else
    context.say(("view %s has caught up, after %s"):format(view, words.duration(seconds)))
  end
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function replay.run(context, args)
  local store = context:store()
  local chosen = selection(store, args)
  if #check(store:view_status(args.view)) == 0 then
    context.say(("no view %s is registered"):format(args.view))
    return exit_code.REFUSED
  end
  local plan = check(store:replay_plan(args.view, chosen))
  if plan.partitions == 0 then
    context.say(("view %s has handled no such event: there is nothing to replay"):format(args.view))
    return exit_code.DONE
  end
  context.say(describe(args.view, chosen, plan))
  if not is_confirmed(args) then
    context.say("nothing was done")
    return exit_code.REFUSED
  end
  local moved = check(store:replay_view(args.view, chosen))
  context.say(("view %s: %s moved back"):format(args.view, words.count(moved.partitions, "partition")))
  if not args.no_wait and moved.partitions > 0 then
    local started = uv.hrtime()
    local left = watch(context, store, args, chosen, moved.until_offset)
    report(context, args.view, left, (uv.hrtime() - started) / 1e9)
  end
  return exit_code.DONE
end

return replay
