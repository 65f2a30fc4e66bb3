--- `fstore-lua views`: how far each view has come.
local exit_code = require "fstore.host.exit_code"

local views = {}

function views.add_to_parser(parser)
  parser:description "Show the registered views: what is pending, leased and parked, and how old the oldest pending event is."
  parser:argument "view" :args "?" :description "Only this view."
end

local FIELDS <const> = {
  "view", "pending_events", "pending_partitions", "leased_partitions", "parked_partitions", "oldest_pending_s",
}

local STATUS <const> = [[
  SELECT view, pending_events, pending_partitions, leased_partitions, parked_partitions,
    round(extract(epoch FROM now() - oldest_pending_at)::numeric, 3)::float8 AS oldest_pending_s
  FROM %s.view_status($1)]]

local function duration(seconds)
  if not seconds then
    return ""
  elseif seconds < 60 then
    return ("%.1f s"):format(seconds)
  elseif seconds < 3600 then
    return ("%d min %d s"):format(seconds // 60, seconds % 60 // 1)
  end
  return ("%d h %d min"):format(seconds // 3600, seconds % 3600 // 60)
end

local function show(output, rows)
  local lines = {}
  for index, row in ipairs(rows) do
    lines[index] = {
      row.view, row.pending_events, row.pending_partitions, row.leased_partitions, row.parked_partitions,
      duration(row.oldest_pending_s),
    }
  end
  output:table({ "view", "pending events", "pending partitions", "leased", "parked", "oldest pending" }, lines)
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function views.run(context, args)
  local store = context:store()
  local rows, err = store:exec(STATUS:format(store:quoted_schema()), args.view)
  if not rows then
    error(err, 0)
  elseif args.view and #rows == 0 then
    context.say(("no view %s is registered"):format(args.view))
    return exit_code.REFUSED
  end
  if context.output.is_table then
    show(context.output, rows)
  else
    for _, row in ipairs(rows) do
      local line = {}
      for _, field in ipairs(FIELDS) do
        line[field] = row[field]
      end
      context.output:json(line)
    end
  end
  context.output:flush()
  return exit_code.DONE
end

return views
