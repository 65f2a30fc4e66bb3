--- A worker as a process of its own: stdin ends with its supervisor, stdout tells the supervisor what happens.
local core = require "fstore.core"
local exit_code = require "fstore.host.exit_code"
local message = require "fstore.host.message"
local reconnect = require "fstore.host.reconnect"
local signals = require "fstore.host.signals"
local uv = require "luv"
local worker = require "fstore.host.worker"

local worker_process = {}

local REPORT_EVERY_MS <const> = 100

local function tell(report)
  io.stdout:write(core.json.encode(report), "\n")
  io.stdout:flush()
end

local function stop_with_supervisor()
  local pipe = uv.new_pipe(false)
  pipe:open(0)
  pipe:read_start(function(failure, data)
    if failure or not data then
      signals.asked_to_stop = true
      pipe:read_stop()
    end
  end)
end

-- Counts, told now and then.
local function new_counter()
  local handled, failures, told_at = 0, 0, 0
  local counter = {}
  function counter.tell()
    if handled + failures > 0 then
      tell { report = "counted", handled = handled, failures = failures }
    end
    handled, failures, told_at = 0, 0, uv.hrtime() / 1e6
  end
  function counter.add(step)
    handled, failures = handled + step.handled, failures + #step.failures
    if step.handled == 0 or uv.hrtime() / 1e6 > told_at + REPORT_EVERY_MS then
      counter.tell()
    end
  end
  return counter
end

local function new_listener(report, counter)
  return {
    stepped = function(view, step)
      report.step(view, step)
      counter.add(step)
    end,
    failed = report.rests, handled = report.handled,
    waiting = function(err) tell { report = "waiting", reason = message.of(err) } end,
    back = function() tell { report = "back" } end,
    pooled = function() tell { report = "pooled" } end,
  }
end

-- The store; a worker that starts while the database is away waits for it.
local function open(context, listener)
  local store, is_waiting
  local back, failure = reconnect.wait(function()
    local ok, result = pcall(context.store, context)
    if ok then
      store = result
      return true
    end
    context:close()
    if type(result) ~= "table" then
      error(result, 0)
    elseif result.kind == "connection" and not is_waiting then
      is_waiting = true
      listener.waiting(result)
    end
    return nil, result
  end)
  if failure then
    error(failure, 0)
  elseif back and is_waiting then
    listener.back()
  end
  return store
end

local function run(context, views, is_once, listener)
  local store = open(context, listener)
  if not store then
    return true -- asked to stop meanwhile
  end
  local made = worker.new(store, views, listener)
  local done, err = made:prepare()
  if done then
    tell { report = "ready" }
    done, err = made[is_once and "run_once" or "run_on"](made)
  end
  return done, err
end

---@param context fstore.host.Context
---@param views (fstore.View|fstore.Saga)[]
---@param is_once boolean
---@param report fstore.host.ProjectReport
---@return integer exit_code
function worker_process.run(context, views, is_once, report)
  context.say = function() end -- which database is used, the supervisor has said
  signals.listen(true)
  stop_with_supervisor()
  local counter = new_counter()
  local done, err = run(context, views, is_once, new_listener(report, counter))
  counter.tell()
  if done == nil then
    error(err, 0)
  end
  return exit_code.DONE
end

return worker_process
