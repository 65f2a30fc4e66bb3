--- `fstore-lua doctor`: finds what is wrong with a live store, explains it, and repairs what is safe to repair.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local findings = require "fstore.host.findings"

local doctor = {}

function doctor.add_to_parser(parser)
  parser:description(
    "Check the store's invariants I1 to I6, its guards, locks, consumers, transactions and version. Reads the whole "
    .. "log, and takes the rights of the store's owner. Exit code 0: healthy, or all repaired; 1: something was found.")
  parser:flag "--fix" :description "Repair what is safe to repair: locks, guards, the version of the schema."
  parser:option "--older-than" :argname "SECONDS" :convert(math.tointeger) :default "300"
    :description "Expired leases, pending events and transactions count when they are older."
  parser:option "--examples" :argname "N" :convert(math.tointeger) :default "3"
    :description "Show so many of each finding."
end

local SOURCES <const> = {
  "SELECT * FROM %s.stream_faults()", "SELECT * FROM %s.lock_faults()", "SELECT * FROM %s.guard_faults()",
  "SELECT * FROM %s.consumer_faults({seconds})", "SELECT * FROM %s.session_faults({seconds})",
}

-- What an adoption has put on record is known; only what came later is news.
local KNOWN <const> = [[
  EXISTS (SELECT FROM %s.adoption_findings AS a WHERE a.finding = s.finding AND a.decider IS NOT NULL
    AND a."offset" = s."offset")]]

local function check(result, err)
  if not result then
    error(err, 0)
  end
  return result
end

local function known(store)
  local schema = store:quoted_schema()
  local row = check(store:exec("SELECT to_regclass($1) IS NOT NULL AS is_adopted", schema .. ".adoption_findings"))[1]
  return row.is_adopted and KNOWN:format(schema) or "false"
end

local function finding(name, count, detail)
  return { finding = name, count = count, is_known = false, examples = { { detail = detail } } }
end

-- Whether the schema fits this program, as a list of at most one finding.
local function schema_findings(context, store)
  local version, newest = store:version()
  check(version, newest)
  if version == 0 then
    error(errors.new("no_schema", ("schema %q holds no store"):format(context.schema),
      { hint = "run `fstore-lua init` first, or name another schema with --schema" }), 0)
  elseif version ~= newest then
    return { finding(version < newest and "older_schema" or "newer_schema", 1,
      ("the store is at version %d, this program at %d"):format(version, newest)) }
  end
  local stale, err = store:stale_functions()
  if not stale then
    context.say("the store's functions could not be compared with this program's: " .. tostring(err))
  elseif #stale > 0 then
    return { finding("stale_functions", #stale, table.concat(stale, ", ")) }
  end
  return {}
end

local function all_findings(context, store, args)
  local list = schema_findings(context, store)
  local source = table.concat(SOURCES, " UNION ALL "):gsub("{seconds}", tostring(args.older_than))
  local found, err = findings.collect(store, source, known(store), args.examples)
  if found then
    return table.move(found, 1, #found, #list + 1, list)
  elseif #list == 0 or err.kind ~= "no_schema" then
    error(err, 0)
  end
  context.say("the other checks need functions that the store does not have yet")
  return list
end

local FIXES <const> = { "migrate", "repair_guards", "repair_locks" }

local function apply_fix(store, fix)
  if fix == "migrate" then
    return store:migrate()
  end
  return store:exec(("SELECT %s.%s()"):format(store:quoted_schema(), fix))
end

local function apply_fixes(context, store, found)
  local wanted = {}
  for _, each in ipairs(found) do
    wanted[findings.KINDS[each.finding].fix or ""] = true
  end
  for _, fix in ipairs(FIXES) do
    if wanted[fix] then
      local done, err = apply_fix(store, fix)
      if not done then
        context.say(("%s failed: %s"):format(fix, tostring(err)))
      end
    end
  end
end

local function count_new(found)
  local count = 0
  for _, each in ipairs(found) do
    count = count + (each.is_known and 0 or 1)
  end
  return count
end

local function key_of(found)
  return (found.is_known and "known " or "") .. found.finding
end

-- Marks what is gone since, and adds what has come.
local function mark_fixed(before, after)
  local left = {}
  for _, each in ipairs(after) do
    left[key_of(each)] = each
  end
  for _, each in ipairs(before) do
    each.is_fixed = left[key_of(each)] == nil
    left[key_of(each)] = nil
  end
  for _, each in ipairs(after) do
    if left[key_of(each)] then
      before[#before + 1] = each
    end
  end
end

local function note_on_hidden_sessions(context, store)
  local row = check(store:exec([[
    SELECT count(*) AS hidden FROM pg_stat_activity
    WHERE datname = current_database() AND query = '<insufficient privilege>']]))[1]
  if row.hidden > 0 then
    context.say(("%d sessions of other users cannot be looked into: GRANT pg_read_all_stats TO this one")
      :format(row.hidden))
  end
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function doctor.run(context, args)
  local store = context:database()
  local found = all_findings(context, store, args)
  local left = count_new(found)
  if args.fix and left > 0 then
    apply_fixes(context, store, found)
    local after = all_findings(context, store, args)
    left = count_new(after)
    mark_fixed(found, after)
  end
  note_on_hidden_sessions(context, store)
  findings.show(context, found, left == 0 and "the store is healthy" or ("%d kinds of findings"):format(left))
  return left == 0 and exit_code.DONE or exit_code.REFUSED
end

return doctor
