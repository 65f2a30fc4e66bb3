--- `fstore-lua park`: sets a partition of a view aside by hand.
local exit_code = require "fstore.host.exit_code"
local partition = require "fstore.host.partition"

local park = {}

function park.add_to_parser(parser)
  parser:description(
    "Set a partition of a view aside: the view gets none of its events until it is resumed; the others go on. A "
    .. "consumer that has it in hand can neither write nor ack any more.")
  parser:argument "view" :description "Name of the view."
  parser:argument "id" :description "The partition: a decider_id, or (with --decider) a business key."
  partition.add_decider(parser)
  parser:option "--reason" :argname "TEXT" :description "Shown as its error (default: the last error stays)."
end

local function check(result, err)
  if not result then
    error(err, 0)
  end
  return result
end

local function is_parked(store, view, id)
  for _, row in ipairs(check(store:parked_events(view))) do
    if row.decider_id == id then
      return true
    end
  end
  return false
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function park.run(context, args)
  local id = partition.id(args.id, args.decider)
  local store = context:store()
  if #check(store:park_events(args.view, { { decider_id = id, error = args.reason } })) == 1 then
    context.say(("view %s: parked %s"):format(args.view, id))
    return exit_code.DONE
  elseif is_parked(store, args.view, id) then
    context.say(("view %s: %s is parked already"):format(args.view, id))
    return exit_code.DONE
  elseif #check(store:view_status(args.view)) == 0 then
    context.say(("no view %s is registered"):format(args.view))
  else
    context.say(("view %s has no partition %s"):format(args.view, id))
  end
  return exit_code.REFUSED
end

return park
