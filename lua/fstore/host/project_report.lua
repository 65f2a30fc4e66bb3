--- What `fstore-lua project` says on stderr: sentences for people, or with --log a line for all that happens.
local log = require "fstore.host.log"
local message = require "fstore.host.message"

---@class fstore.host.ProjectReport
---@field say fun(text: string, level: string?)
---@field step fun(view: fstore.View|fstore.Saga, step: fstore.Step) failures and refusals
---@field rests fun(view: fstore.View|fstore.Saga, err: fstore.Error, retry_in: integer)
---@field handled fun(view: fstore.View|fstore.Saga, event: fstore.Event, milliseconds: number)|nil

local project_report = {}

local function each_line(view, step, failed, refused)
  for _, failure in ipairs(step.failures) do
    failed(view, failure)
  end
  for _, refusal in ipairs(step.refusals) do
    refused(view, refusal)
  end
end

local function for_people(context)
  local say = context.say
  local function failed(view, failure)
    local event = failure.event
    say(("view %s: %s at offset %d (decider_id %s, attempt %d, %s): %s"):format(view.name, event.event,
      event.offset, event.decider_id, failure.attempts,
      failure.retry_in and ("next in %.1f s"):format(failure.retry_in / 1000) or "the last: it is parked",
      message.of(failure.error)))
    if context.verbose and failure.error.traceback then
      say((failure.error.traceback:gsub("^%s+", "")))
    end
  end
  -- What the domain refuses is an answer: the saga goes on.
  local function refused(saga, refusal)
    say(("saga %s: %s in reaction to %s at offset %d refused: %s"):format(saga.name, refusal.command.command,
      refusal.event.event, refusal.event.offset, tostring(refusal.error)))
  end
  return {
    say = say,
    step = function(view, step) each_line(view, step, failed, refused) end,
    rests = function(view, err, retry_in)
      say(("view %s: %s (it rests for %.1f s)"):format(view.name, message.of(err), retry_in / 1000))
    end,
  }
end

local function line(view, event, fields)
  fields.view, fields.partition, fields.event, fields.offset = view.name, event.decider_id, event.event, event.offset
  log.event(fields)
end

local function for_logs()
  local function failed(view, failure)
    line(view, failure.event, {
      level = failure.retry_in and "warning" or "error", message = failure.retry_in and "failed" or "parked",
      attempt = failure.attempts, retry_in_ms = failure.retry_in, error = message.of(failure.error),
    })
  end
  local function refused(saga, refusal)
    line(saga, refusal.event, {
      message = "refused", command = refusal.command.command, error = tostring(refusal.error),
    })
  end
  return {
    say = function(text, level) log.event { level = level, message = text } end,
    step = function(view, step) each_line(view, step, failed, refused) end,
    rests = function(view, err, retry_in)
      log.event {
        level = "error", message = "resting", view = view.name, error = message.of(err), retry_in_ms = retry_in,
      }
    end,
    handled = function(view, event, milliseconds)
      line(view, event, { message = "handled", duration_ms = milliseconds })
    end,
  }
end

---@param context fstore.host.Context
---@param format "text"|"json"|nil of a log
---@return fstore.host.ProjectReport
function project_report.new(context, format)
  log.use(format)
  return format and for_logs() or for_people(context)
end

return project_report
