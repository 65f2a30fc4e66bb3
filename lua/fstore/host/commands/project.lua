--- `fstore-lua project`: runs views on what is pending for them, once or for good.
local core = require "fstore.core"
local exit_code = require "fstore.host.exit_code"
local log = require "fstore.host.log"
local progress = require "fstore.host.progress"
local project_report = require "fstore.host.project_report"
local script = require "fstore.host.script"
local signals = require "fstore.host.signals"
local supervisor = require "fstore.host.supervisor"
local worker = require "fstore.host.worker"
local worker_process = require "fstore.host.worker_process"

local project = {}

local function at_least(least)
  return function(text)
    local number = tonumber(text)
    if number and number >= least and number <= 1000000 then
      return number
    end
    return nil, ("%s is not a number from %d to 1000000"):format(text, least)
  end
end

local function count(text)
  local number = math.tointeger(tonumber(text))
  return at_least(1)(number or text .. " (which must be whole)")
end

function project.add_to_parser(parser)
  parser:description("Run views: hand each pending event to its view, in order, and commit writes and progress "
    .. "together. A supervisor keeps worker processes running; they compete over partitions.")
  parser:argument "scripts" :args "+" :argname "SCRIPT"
    :description "Lua scripts that return a view, or a saga with its decider."
  parser:flag "--once" :description "End when nothing is pending; without it, wait for more."
  parser:option "--workers" :argname "N" :convert(count)
    :description "Worker processes (default: 1, and with --once none: this process does the work)."
  parser:option "--stop-timeout" :argname "SECONDS" :convert(at_least(0)) :default "30"
    :description "After SIGTERM or SIGINT, the longest that workers may take to finish what they have in hand."
  log.add_to_parser(parser)
  parser:flag "--as-worker" :hidden(true)
end

local function check(ok, err)
  if ok == nil then
    error(err, 0)
  end
  return ok
end

local function pending_events(store, views)
  local total = 0
  for _, view in ipairs(views) do
    for _, row in ipairs(check(store:view_status(view.name))) do
      total = total + row.pending_events
    end
  end
  return total
end

-- ---- Here, with --once

---@class fstore.host.ProjectRun
---@field context fstore.host.Context
---@field report fstore.host.ProjectReport
---@field progress fstore.host.Progress
---@field handled integer
---@field failures integer

local function add(run, handled, failures)
  run.handled, run.failures = run.handled + handled, run.failures + failures
  run.progress:update(run.handled, run.handled)
end

local function run_here(run, store, views)
  local made = worker.new(store, views, {
    stepped = function(view, step)
      if #step.failures + #step.refusals > 0 then
        run.progress:clear()
        run.report.step(view, step)
      end
      add(run, step.handled, #step.failures)
    end,
    failed = function(_, err) error(err, 0) end, handled = run.report.handled,
  })
  check(made:prepare())
  signals.listen()
  local shown <close> = progress.new("events", pending_events(store, views))
  run.progress = shown
  check(made:run_once())
  return exit_code.DONE
end

-- ---- As the supervisor

-- How a worker is called. The database comes in its environment, where other users do not see it.
local function arguments_of_worker(context, args)
  local words = { "--schema", context.schema, "--data-dir", context.data_dir, "project", "--as-worker" }
  words[#words + 1] = context.verbose and "--verbose" or nil
  words[#words + 1] = args.once and "--once" or nil
  words[#words + 1] = args.log and "--log=" .. args.log or nil
  words[#words + 1] = "--"
  return table.move(args.scripts, 1, #args.scripts, #words + 1, words)
end

local function run_workers(run, args)
  local context, workers = run.context, args.workers or 1
  local function say(text, level)
    run.progress:clear()
    run.report.say(args.log and text or "fstore-lua: " .. text, level)
  end
  local shown <close> = progress.new("events", run.pending)
  run.progress = shown
  return supervisor.new {
    arguments = arguments_of_worker(context, args), environment = { FSTORE_URL = context.db }, workers = workers,
    stop_timeout_s = args.stop_timeout, once = args.once, say = say,
    counted = function(handled, failures) add(run, handled, failures) end,
    ready = function() core.notify_systemd("READY=1\nSTATUS=" .. workers .. " workers") end,
    stopping = function()
      core.notify_systemd("STOPPING=1")
      say "stopping, once what is in hand is done"
    end,
  }:run()
end

-- Registers the views, so that what is wrong with them is known before a worker starts.
local function supervise(run, store, views, args)
  check(worker.new(store, views, {}):prepare())
  run.pending = args.once and pending_events(store, views) or nil
  -- Of the store only the embedded server is needed from here on: it stays as long as it has users.
  if not run.context.is_ours then
    run.context:close()
  end
  return run_workers(run, args)
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function project.run(context, args)
  local views, report = {}, project_report.new(context, args.log)
  for index, path in ipairs(args.scripts) do
    views[index] = script.view(path)
  end
  if args.as_worker then
    return worker_process.run(context, views, args.once, report)
  end
  local run = { context = context, report = report, handled = 0, failures = 0 }
  local is_here = args.once and not args.workers
  local code = (is_here and run_here or supervise)(run, context:store(), views, args)
  report.say(("%d events handled, %d failures"):format(run.handled, run.failures))
  local left = args.once and pending_events(context:store(), views) or 0
  if left > 0 then
    report.say(("%d events are still pending: put off after a failure, or leased by another host"):format(left))
  end
  return code == exit_code.DONE and args.once and run.failures > 0 and exit_code.SCRIPT or code
end

return project
