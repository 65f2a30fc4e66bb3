--- `fstore-lua state`: what a decider's events make of its state.
local command_handler = require "fstore.application.command_handler"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local ids = require "fstore.ids"
local script = require "fstore.host.script"

local state = {}

function state.add_to_parser(parser)
  parser:description "Print the state of one decider, folded from its events, as JSON."
  parser:argument "script" :description "Lua script that returns a decider."
  parser:argument "id" :description "Decider's id: a UUID, or a business key."
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function state.run(context, args)
  local decider = script.decider(args.script)
  if next(decider.streams, next(decider.streams)) then
    error(errors.new("usage", ("%s combines deciders: name the script of one of them"):format(args.script)), 0)
  end
  local handler = command_handler.new(context:store(), decider)
  local ok, folded, last_id = xpcall(handler.state, errors.from_script, handler, ids.decider_id(decider.name, args.id))
  if not ok then
    error(folded, 0)
  end
  if not last_id then
    context.say(("%s %s has no events"):format(decider.name, args.id))
  end
  context.output:json(folded)
  context.output:flush()
  return exit_code.DONE
end

return state
