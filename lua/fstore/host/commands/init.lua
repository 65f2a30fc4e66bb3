--- `fstore-lua init`: installs the store, upgrades it, or adopts one of the original schema.
local exit_code = require "fstore.host.exit_code"
local findings = require "fstore.host.findings"

local init = {}

function init.add_to_parser(parser)
  parser:description("Install the store in the database, or upgrade it. Safe to repeat.")
  parser:flag "--adopt" :description(
    "The schema was made by the original schema.sql: bring it under the contract with all its data, in one "
    .. "transaction, and print what was broken. start_at is taken to be in the session's time zone (set PGTZ).")
  parser:option "--roles" :args "?" :argname "PREFIX" :description(
    "Make the roles PREFIX_read, PREFIX_append and PREFIX_consume (PREFIX: fstore), which use the store through its "
    .. "functions alone.")
end

local function check(result, err)
  if not result then
    error(err, 0)
  end
  return result
end

local function report_adoption(context, store)
  local there = check(store:exec("SELECT to_regclass($1) IS NOT NULL AS is_adopted",
    store:quoted_schema() .. ".adoption_findings"))[1]
  if not there.is_adopted then
    context.say("it is a store of our own already: nothing to adopt")
    return
  end
  local found = check(findings.collect(store, "SELECT * FROM %s.adoption_findings", "false", 3))
  findings.show(context, found, "recorded in adoption_findings; nothing else was found broken")
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function init.run(context, args)
  local store = context:database()
  local applied = check(store:migrate { adopt = args.adopt })
  if args.roles then
    check(store:create_roles(args.roles[1]))
  end
  if #applied == 0 then
    context.say(("schema %s is up to date"):format(context.schema))
  else
    context.say(("schema %s is ready (%d migrations applied)"):format(context.schema, #applied))
  end
  if args.adopt then
    report_adoption(context, store)
  end
  return exit_code.DONE
end

return init
