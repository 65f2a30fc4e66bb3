--- `fstore-lua init`: installs the store, or upgrades it.
local exit_code = require "fstore.host.exit_code"

local init = {}

function init.add_to_parser(parser)
  parser:description "Install the store in the database, or upgrade it. Safe to repeat."
end

---@param context fstore.host.Context
---@return integer exit_code
function init.run(context)
  local applied, err = context:database():migrate()
  if not applied then
    error(err, 0)
  elseif #applied == 0 then
    context.say(("schema %s is up to date"):format(context.schema))
  else
    context.say(("schema %s is ready (%d migrations applied)"):format(context.schema, #applied))
  end
  return exit_code.DONE
end

return init
