--- `fstore-lua handle`: commands in, events stored and printed.
local command_handler = require "fstore.application.command_handler"
local command_reader = require "fstore.host.command_reader"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local input = require "fstore.host.input"
local progress = require "fstore.host.progress"
local script = require "fstore.host.script"
local signals = require "fstore.host.signals"

local handle = {}

-- Lines taken from a stream at a time; the handler stores what they lead to in as few round trips as it can.
local LINES_AT_ONCE <const> = 500

function handle.add_to_parser(parser)
  parser:description "Handle one command, or a stream of them as NDJSON on stdin; print the stored events as NDJSON."
  parser:epilog 'A line: {"decider_id": "order-1", "command": "PlaceOrder", "data": {…}, "command_id": "…"}'
  parser:argument "script" :description "Lua script that returns a decider."
  parser:option "--id" :description "Decider's id: a UUID, or a business key."
  parser:option "--command" :target "command_name" :description "Name of the command."
  parser:option "--data" :argname "JSON" :description "The command's data."
  parser:option "--command-id" :argname "UUID" :description "The command's id."
  parser:flag "--keep-going" :description "Go on after a bad line, a refusal or a failure."
end

---@class fstore.host.HandleRun
---@field context fstore.host.Context
---@field handler fstore.CommandHandler
---@field keep_going boolean
---@field counts table<string, integer>
---@field code integer of the program so far

local function report(run, place, err)
  local label = err.kind == "refused" and "refused" or err.kind == "unknown_command" and "bad line" or err.kind
  if err.kind == "usage" then
    label = "bad line"
  end
  run.progress:clear()
  run.context.say(("%s%s: %s"):format(place and place .. ": " or "", label, tostring(err)))
  if run.context.verbose and err.traceback then
    run.context.say((err.traceback:gsub("^%s+", "")))
  end
  run.code = math.max(run.code, exit_code.of(err))
  run.counts.failed = run.counts.failed + (err.kind == "refused" and 0 or 1)
  run.counts.refused = run.counts.refused + (err.kind == "refused" and 1 or 0)
end

local function settle(run, outcome, place)
  if outcome.error then
    report(run, place, outcome.error)
    return run.keep_going and outcome.error.kind ~= "connection"
  end
  run.counts.handled = run.counts.handled + 1
  for _, event in ipairs(outcome.events) do
    run.context.output:json(event)
  end
  return true
end

-- Handles the commands in hand; false when the run ends here.
local function handle_commands(run, commands, places)
  local outcomes = run.handler:handle_many(commands, { stop_on_error = not run.keep_going })
  for index, outcome in ipairs(outcomes) do
    if not settle(run, outcome, places[index]) then
      return false
    end
  end
  return true
end

-- Handles a chunk of lines, a bad one at its place among the others.
local function handle_lines(run, lines)
  local commands, places = {}, {}
  for _, line in ipairs(lines) do
    local place = "line " .. line.number
    local command, err = run.reader:parse(line.text)
    if command then
      commands[#commands + 1], places[#places + 1] = command, place
    elseif err then
      if not handle_commands(run, commands, places) then
        return false
      end
      commands, places = {}, {}
      report(run, place, err)
      if not run.keep_going then
        return false
      end
    end
  end
  return handle_commands(run, commands, places)
end

local function summary(run)
  local counts = run.counts
  return ("%d handled, %d refused, %d failed"):format(counts.handled, counts.refused, counts.failed)
end

local function handle_stream(run)
  local source = input.new()
  run.progress = progress.new("commands", source.size)
  signals.listen()
  local go_on = true
  while go_on do
    local lines = source:lines(LINES_AT_ONCE)
    if #lines == 0 then
      break
    end
    go_on = handle_lines(run, lines)
    run.context.output:flush()
    local counts = run.counts
    run.progress:update(counts.handled + counts.refused + counts.failed, source.taken)
    go_on = go_on and not signals.stop_asked()
  end
  run.progress:clear()
  run.context.say(summary(run))
end

local function handle_arguments(run, args)
  if not (args.id and args.command_name) then
    error(errors.new("usage", "--id and --command go together", { hint = "or give commands as NDJSON on stdin" }), 0)
  end
  local command, err = run.reader:make {
    decider_id = args.id, command = args.command_name, command_id = args.command_id, text = args.data,
  }
  if not command then
    error(err, 0)
  end
  run.progress = progress.new("commands")
  handle_commands(run, { command }, {})
  run.context.output:flush()
end

-- Nobody reads our output any more: what was stored is stored, and no more commands are taken.
local function end_without_reader(run, err)
  run.progress:clear()
  run.context.say(("fstore-lua: %s; stopped: %s"):format(err.message, summary(run)))
  return exit_code.DONE
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function handle.run(context, args)
  local decider = script.decider(args.script)
  local store = context:store()
  local ok, err = store:register_decider(decider)
  if not ok then
    error(err, 0)
  end
  local run = {
    context = context, handler = command_handler.new(store, decider), keep_going = args.keep_going,
    reader = command_reader.new(decider.name), counts = { handled = 0, refused = 0, failed = 0 }, code = exit_code.DONE,
  }
  local by_arguments = args.id or args.command_name or args.data or args.command_id
  ok, err = pcall(by_arguments and handle_arguments or handle_stream, run, args)
  if not ok then
    if errors.is(err) and err.kind == "output" then
      return end_without_reader(run, err)
    end
    error(err, 0)
  end
  return run.code
end

return handle
