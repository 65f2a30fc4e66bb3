--- `fstore-lua handle`: commands in, events stored and printed.
local command_handler = require "fstore.application.command_handler"
local command_reader = require "fstore.host.command_reader"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local input = require "fstore.host.input"
local message = require "fstore.host.message"
local progress = require "fstore.host.progress"
local reconnect = require "fstore.host.reconnect"
local script = require "fstore.host.script"
local signals = require "fstore.host.signals"

local handle = {}

-- Lines taken from a stream at a time; the handler stores what they lead to in as few round trips as it can.
local LINES_AT_ONCE <const> = 500

function handle.add_to_parser(parser)
  parser:description "Handle one command, or a stream of them as NDJSON on stdin; print the stored events as NDJSON."
  parser:epilog 'A line: {"decider_id": "order-1", "command": "PlaceOrder", "data": {…}, "command_id": "…"}'
  parser:argument "script" :description "Lua script that returns a decider, or a saga with its decider."
  parser:option "--id" :argname "ID" :description "Decider's id: a UUID, or a business key."
  parser:option "--command" :argname "NAME" :target "command_name" :description "Name of the command."
  parser:option "--data" :argname "JSON" :description "The command's data."
  parser:option "--command-id" :argname "UUID" :description "The command's id."
  parser:flag "--keep-going" :description "Go on after a bad line, a refusal or a failure."
end

---@class fstore.host.HandleRun
---@field is_stream boolean
---@field context fstore.host.Context
---@field handler fstore.CommandHandler
---@field keep_going boolean
---@field counts table<string, integer>
---@field code integer of the program so far

local function describe(place, err)
  local is_usage = err.kind == "usage" or err.kind == "unknown_command"
  local label = is_usage and (place and "bad line: " or "") or err.kind .. ": "
  return ("%s: %s%s"):format(place or "fstore-lua", label, message.of(err))
end

local function report(run, place, err)
  run.progress:clear()
  run.context.say(describe(place, err))
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
  return true
end

local function print_events(run, outcomes)
  if run.context.output.is_terminal then
    run.progress:clear()
  end
  for _, outcome in ipairs(outcomes) do
    for _, event in ipairs(outcome.events or {}) do
      run.context.output:json(event)
    end
  end
end

-- Handles the commands in hand; false when the run ends here. What is stored counts, whether it can be printed or not.
local function handle_commands(run, commands, places)
  local outcomes, go_on = run.handler:handle_many(commands, { stop_on_error = not run.keep_going }), true
  for index, outcome in ipairs(outcomes) do
    go_on = settle(run, outcome, places[index])
  end
  print_events(run, outcomes)
  return go_on
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

local function handle_stream(run)
  local source = input.new()
  run.progress = progress.new("commands", source.size)
  signals.listen()
  if source.is_terminal then
    run.context.say("fstore-lua: reading commands from the terminal, a JSON object a line; Ctrl-D ends")
  end
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
  handle_commands(run, { command }, {})
  run.context.output:flush()
end

-- However a run ends, a stream is summed up. Without a reader of our output no more commands are taken.
local function sum_up(run, err)
  run.progress:clear()
  if run.is_stream then
    local counts = run.counts
    run.context.say(("%s%d handled, %d refused, %d failed"):format(
      errors.is(err) and err.kind == "reader_gone" and "stopped, stdout has no reader: " or "",
      counts.handled, counts.refused, counts.failed))
  end
end

-- Of a stream, what is in hand waits for the database to come back.
local function wait_for_database(run, err)
  if not run.is_stream then
    return false
  end
  local store = run.context:database()
  run.progress:clear()
  run.context.say("waiting for the database: " .. message.of(err))
  local back = reconnect.wait(function() return store:reconnect() end)
  if back then
    run.context.say("the database is back")
  end
  return back or false
end

local function new_run(context, args, decider, saga)
  local run = setmetatable({
    context = context, keep_going = args.keep_going, reader = command_reader.new(),
    counts = { handled = 0, refused = 0, failed = 0 },
    is_stream = not (args.id or args.command_name or args.data or args.command_id),
    progress = progress.new("commands"), code = exit_code.DONE,
  }, { __close = sum_up })
  run.handler = command_handler.new(context:store(), decider, {
    saga = saga, recover = function(err) return wait_for_database(run, err) end,
  })
  return run
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function handle.run(context, args)
  local decider, saga = script.decider(args.script)
  local ok, err = context:store():register_decider(decider)
  if not ok then
    error(err, 0)
  end
  local run <close> = new_run(context, args, decider, saga)
  if run.is_stream then
    handle_stream(run)
  else
    handle_arguments(run, args)
  end
  return run.code
end

return handle
