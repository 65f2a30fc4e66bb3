--- `fstore-lua project`: runs views on what is pending for them, once or for good.
local exit_code = require "fstore.host.exit_code"
local progress = require "fstore.host.progress"
local projector = require "fstore.application.projector"
local script = require "fstore.host.script"
local signals = require "fstore.host.signals"

local project = {}

-- Expired leases and scheduled retries come without a notification: look for them now and then.
local POLL_MS <const> = 1000

function project.add_to_parser(parser)
  parser:description "Run views: hand each pending event to its view, in order, and commit writes and progress together."
  parser:argument "scripts" :args "+" :argname "SCRIPT" :description "Lua scripts that return a view."
  parser:flag "--once" :description "End when nothing is pending; without it, wait for more."
end

---@class fstore.host.ProjectRun
---@field context fstore.host.Context
---@field store fstore.Store
---@field projectors fstore.Projector[]
---@field handled integer
---@field failures integer

local function report(run, view, failure)
  run.progress:clear()
  local event = failure.event
  run.context.say(("view %s: %s at offset %d (decider_id %s, attempt %d, next in %.1f s): %s"):format(
    view.name, event.event, event.offset, event.decider_id, event.attempts, failure.retry_in / 1000,
    tostring(failure.error)))
  if run.context.verbose and failure.error.traceback then
    run.context.say((failure.error.traceback:gsub("^%s+", "")))
  end
end

-- One batch of every view; whether any of them found something.
local function step_all(run)
  local found = false
  for _, each in ipairs(run.projectors) do
    local step, err = each:step()
    if not step then
      error(err, 0)
    end
    for _, failure in ipairs(step.failures) do
      report(run, each.view, failure)
    end
    run.handled, run.failures = run.handled + step.handled, run.failures + #step.failures
    found = found or step.handled > 0 or #step.failures > 0
  end
  run.progress:update(run.handled, run.handled)
  return found
end

local function check(ok, err)
  if ok == nil then
    error(err, 0)
  end
  return ok
end

local function run_once(run)
  while not signals.stop_asked() and step_all(run) do end
end

local function run_on(run)
  local is_armed = false
  while not signals.stop_asked() do
    if step_all(run) then
      -- A busy consumer needs no waking: appends stay free of notifications.
      if is_armed then
        check(run.store:disarm())
        is_armed = false
      end
    elseif not is_armed then
      check(run.store:arm())
      is_armed = true
    else
      run.progress:clear()
      check(run.store:wait(POLL_MS))
    end
  end
end

local function pending_events(run)
  local total = 0
  for _, each in ipairs(run.projectors) do
    for _, row in ipairs(check(run.store:view_status(each.view.name))) do
      total = total + row.pending_events
    end
  end
  return total
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function project.run(context, args)
  local views = {}
  for index, path in ipairs(args.scripts) do
    views[index] = script.view(path)
  end
  local store = context:store()
  local run = { context = context, store = store, projectors = {}, handled = 0, failures = 0 }
  for index, view in ipairs(views) do
    run.projectors[index] = projector.new(store, view)
    check(run.projectors[index]:prepare())
  end
  run.progress = progress.new("events", args.once and pending_events(run) or nil)
  signals.listen()
  local ok, err = pcall(args.once and run_once or run_on, run)
  run.progress:clear()
  if not ok then
    error(err, 0)
  end
  context.say(("%d events handled, %d failures"):format(run.handled, run.failures))
  return args.once and run.failures > 0 and exit_code.SCRIPT or exit_code.DONE
end

return project
