--- `fstore-lua resume`: takes parked partitions of a view back.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local partition = require "fstore.host.partition"
local words = require "fstore.host.words"

local resume = {}

function resume.add_to_parser(parser)
  parser:description(
    "Take parked partitions of a view back: their events come again from the one that they stopped at, in order, with "
    .. "all attempts before them. `fstore-lua views --parked` lists them.")
  parser:argument "view" :description "Name of the view."
  parser:argument "id" :args "?" :description "The partition: a decider_id, or (with --decider) a business key."
  parser:flag "--all" :description "All that are parked."
  partition.add_decider(parser)
  parser:flag "--skip" :description "Go on behind the event that it stopped at: the view never handles that one."
end

local function check(result, err)
  if not result then
    error(err, 0)
  end
  return result
end

local function check_usage(args)
  local message
  if (args.id ~= nil) == (args.all or false) then
    message = "name a partition, or all of them with --all"
  elseif args.all and args.skip then
    message = "--skip goes with one partition: look at the event first"
  end
  if message then
    error(errors.new("usage", message, { hint = "try `fstore-lua resume --help`" }), 0)
  end
end

local function resume_all(context, store, view)
  local count = #check(store:resume_events(view))
  context.say(("view %s: resumed %s"):format(view, words.count(count, "partition")))
  return exit_code.DONE
end

-- Progress stands at the skipped event now.
local function skipped_event(store, lock)
  return check(store:read_events {
    after = lock.last_offset - 1, limit = 1, decider_id = lock.decider_id,
  })[1]
end

local function resume_one(context, store, args, id)
  local lock = check(store:resume_events(args.view, { id }, { skip = args.skip }))[1]
  if not lock then
    context.say(("view %s has no parked partition %s\n  hint: fstore-lua views --parked lists them")
      :format(args.view, id))
    return exit_code.REFUSED
  end
  local skipped = args.skip and skipped_event(store, lock)
  context.say(("view %s: resumed %s%s"):format(args.view, id,
    skipped and (" behind %s at offset %d, which it never handles"):format(skipped.event, skipped.offset) or ""))
  return exit_code.DONE
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function resume.run(context, args)
  check_usage(args)
  local id = partition.id(args.id, args.decider)
  local store = context:store()
  if #check(store:view_status(args.view)) == 0 then
    context.say(("no view %s is registered"):format(args.view))
    return exit_code.REFUSED
  elseif args.all then
    return resume_all(context, store, args.view)
  end
  return resume_one(context, store, args, id)
end

return resume
