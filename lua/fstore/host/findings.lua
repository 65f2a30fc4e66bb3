--- What can be wrong with a store: what each finding means, what follows from it, and how it is mended.
local findings = {}

---@class fstore.host.Finding
---@field finding string
---@field count integer
---@field is_known boolean recorded when the store was adopted
---@field is_fixed boolean?
---@field examples { view: string?, decider: string?, decider_id: string?, offset: integer?, detail: string }[]

---@class fstore.host.FindingKind
---@field invariant string? the one of the store's invariants that it breaks
---@field meaning string
---@field consequence string
---@field repair string
---@field fix "migrate"|"repair_guards"|"repair_locks"|nil what `--fix` does about it

local IMMUTABLE <const> = "Events never change: teach the decider to read both, or copy the stream to a new decider_id."
local CONSUMER <const> = "Start the view's consumer (fstore-lua project); it takes up where the last one stopped."
local END_IT <const> = "Let its program end it, or end it: SELECT pg_terminate_backend(PID)."

---@type table<string, fstore.host.FindingKind>
findings.KINDS = {
  second_first = {
    invariant = "I1", meaning = "A stream has more than one first event: it has forked.",
    consequence = "Each branch was decided without knowing of the other; a fold of the stream mixes them.",
    repair = IMMUTABLE,
  },
  missing_previous = {
    invariant = "I2", meaning = "An event names a previous event that its stream does not hold: there is a gap.",
    consequence = "What was decided before it is lost, and the state folded from the stream may be wrong.",
    repair = "Look for the event in a backup. " .. IMMUTABLE,
  },
  out_of_order = {
    invariant = "I2", meaning = "An event has a smaller offset than the one that it follows.",
    consequence = "The stream is read, and streamed to views, in another order than it was decided in.",
    repair = IMMUTABLE,
  },
  second_successor = {
    invariant = "I2", meaning = "Two events name the same previous event: the stream has forked.",
    consequence = "Each branch was decided without knowing of the other; a fold of the stream mixes them.",
    repair = IMMUTABLE,
  },
  not_behind_last = {
    invariant = "I2", meaning = "An event follows another than the one that stands just before it.",
    consequence = "It was decided on a state older than the one that a fold of the stream gives there.",
    repair = IMMUTABLE,
  },
  after_final = {
    invariant = "I3", meaning = "An event follows the final event of its stream.",
    consequence = "The stream was closed, and yet went on.",
    repair = IMMUTABLE,
  },
  unregistered = {
    invariant = "I4", meaning = "An event is not registered for its decider in that version.",
    consequence = "No script is known to understand it; a dump of the store cannot be restored with its foreign key.",
    repair = "Register it: SELECT register_decider_event(DECIDER, EVENT, DESCRIPTION, VERSION).",
  },
  disabled_guard = {
    invariant = "I1 to I6", meaning = "Something that keeps the rules of the store is switched off, or not valid.",
    consequence = "Nothing keeps events that break the rules out, or pending events from being overlooked.",
    repair = "SELECT repair_guards(); a foreign key takes a superuser: ALTER TABLE … ENABLE TRIGGER ALL. "
      .. "An invalid index: REINDEX; an invalid constraint: ALTER TABLE … VALIDATE CONSTRAINT.",
    fix = "repair_guards",
  },
  missing_guard = {
    invariant = "I1 to I6", meaning = "Something that keeps the rules of the store is not there.",
    consequence = "Nothing keeps events that break the rules out, or pending events from being overlooked.",
    repair = "A trigger comes back with fstore-lua init; make the others as sql/migrations has them.",
    fix = "migrate",
  },
  offset_sequence = {
    invariant = "I6", meaning = "The sequence of offsets is behind the log, or hands out offsets in advance.",
    consequence = "Appends fail, or get offsets out of order.",
    repair = "SELECT repair_guards().", fix = "repair_guards",
  },
  missing_lock = {
    invariant = "I6", meaning = "A view has no lock on a partition.",
    consequence = "The view never sees the events of that partition.",
    repair = "SELECT repair_locks(): the partition starts where the view's start_at says.", fix = "repair_locks",
  },
  unfilled_view = {
    invariant = "I6", meaning = "The registration of a view, which gives it its locks, is under way or was broken off.",
    consequence = "The view does not see the events of the partitions that it has no lock on yet.",
    repair = "Register the view again (fstore-lua project does), or SELECT repair_locks().", fix = "repair_locks",
  },
  head_behind = {
    invariant = "I6", meaning = "A lock does not know of the last events of its partition.",
    consequence = "The view does not see them before another event comes.",
    repair = "SELECT repair_locks(): they become pending, progress stays.", fix = "repair_locks",
  },
  head_beyond = {
    invariant = "I6", meaning = "A lock waits for events that are not there.",
    consequence = "It stands in the view's queue, is leased in vain, and holds up what is behind it.",
    repair = "SELECT repair_locks(): the lock is set to the last event.", fix = "repair_locks",
  },
  wrongly_queued = {
    invariant = "I6", meaning = "A lock is in its view's queue for nothing, or not in it though something is pending.",
    consequence = "It is leased in vain, or the view does not see what is pending before another event comes.",
    repair = "SELECT repair_locks(): it is queued by its progress, which stays.", fix = "repair_locks",
  },
  progress_past_head = {
    invariant = "I6", meaning = "A view has acked more of a partition than there is.",
    consequence = "Events to come are skipped, or refused.",
    repair = "SELECT repair_locks(): progress is set to the last event; none is handled again.", fix = "repair_locks",
  },
  expired_lease = {
    meaning = "A lease on a partition has expired, and nobody has taken it again.",
    consequence = "Its consumer is gone or stuck; the partition waits. The lease needs no repair: it is free.",
    repair = CONSUMER,
  },
  parked = {
    meaning = "A partition was set aside because its next event keeps failing.",
    consequence = "The view sees nothing more of this partition; the others go on.",
    repair = "Mend the view's script, then SELECT resume_events(VIEW, ARRAY[DECIDER_ID]).",
  },
  lagging_view = {
    meaning = "The oldest pending event of a view is old.",
    consequence = "What the view shows is that much out of date.",
    repair = CONSUMER .. " If one runs: start more of them.",
  },
  old_transaction = {
    meaning = "A session has held a transaction open for long.",
    consequence = "Dead rows of the locks stay, so leases get slower; registering a view may wait for it.",
    repair = END_IT,
  },
  prepared_transaction = {
    meaning = "A prepared transaction was never ended.",
    consequence = "Dead rows of the locks stay, so leases get slower; its locks hold up others, even after a restart.",
    repair = "COMMIT PREPARED or ROLLBACK PREPARED.",
  },
  older_schema = {
    meaning = "The store is older than this program.", consequence = "This program may call what is not there.",
    repair = "fstore-lua init.", fix = "migrate",
  },
  newer_schema = {
    meaning = "The store is newer than this program.", consequence = "This program may not know its rules.",
    repair = "Install a newer fstore-lua.",
  },
  stale_functions = {
    meaning = "Functions of the store are missing or differ from this program's.",
    consequence = "The store may still have defects that this program has mended.",
    repair = "fstore-lua init.", fix = "migrate",
  },
}

local GROUPED <const> = [[
  SELECT f.finding, f.is_known, count(*) AS count,
    jsonb_agg(jsonb_strip_nulls(jsonb_build_object('view', f.view, 'decider', f.decider, 'decider_id', f.decider_id,
      'offset', f."offset", 'detail', f.detail)) ORDER BY f.place) FILTER (WHERE f.place <= $1) AS examples
  FROM (
    SELECT s.*, row_number() OVER (PARTITION BY s.finding, s.is_known ORDER BY s."offset", s.view) AS place
    FROM (SELECT s.*, %s AS is_known FROM (%s) AS s) AS s
  ) AS f
  GROUP BY f.finding, f.is_known
  ORDER BY f.is_known, f.finding]]

---Runs queries that find faults, and groups what they find.
---@param store fstore.Store
---@param source string SQL with the columns finding, view, decider, decider_id, offset, detail; each %s is the schema
---@param is_known string SQL condition on a row `s` of it
---@param examples integer of each kind
---@return fstore.host.Finding[]? found, fstore.Error? err
function findings.collect(store, source, is_known, examples)
  local schema = store:quoted_schema():gsub("%%", "%%%%")
  return store:exec(GROUPED:format(is_known, (source:gsub("%%s", schema))), examples)
end

local function place_of(example)
  local parts = {}
  for _, field in ipairs { "view", "decider", "decider_id", "offset" } do
    parts[#parts + 1] = example[field] and field .. " " .. example[field]
  end
  parts[#parts + 1] = example.detail
  return table.concat(parts, ", ")
end

local function state_of(found)
  return found.is_known and "known" or found.is_fixed and "fixed" or found.is_fixed == false and "not fixed" or ""
end

local function show_table(output, list)
  local rows = {}
  for index, found in ipairs(list) do
    local kind = findings.KINDS[found.finding]
    rows[index] = { found.finding, kind.invariant, found.count, state_of(found), place_of(found.examples[1]) }
  end
  output:table({ "finding", "invariant", "count", "state", "for example" }, rows)
  for _, found in ipairs(list) do
    local kind = findings.KINDS[found.finding]
    output:line("")
    output:line(("%s: %s"):format(found.finding, kind.meaning))
    output:line("  " .. kind.consequence)
    output:line("  Repair: " .. kind.repair)
    for _, example in ipairs(found.examples) do
      output:line("  - " .. place_of(example))
    end
  end
end

---Shows findings on stdout: a table and their explanations on a terminal, NDJSON in a pipe.
---@param context fstore.host.Context
---@param list fstore.host.Finding[]
---@param note string for stderr
function findings.show(context, list, note)
  if not context.output.is_table then
    for _, found in ipairs(list) do
      local kind = findings.KINDS[found.finding]
      context.output:json {
        finding = found.finding, count = found.count, known = found.is_known, fixed = found.is_fixed,
        examples = found.examples, invariant = kind.invariant, meaning = kind.meaning, consequence = kind.consequence,
        repair = kind.repair,
      }
    end
  elseif #list > 0 then
    show_table(context.output, list)
  end
  context.output:flush()
  context.say(note)
end

return findings
