--- `fstore-lua push`: sends events to the edge functions of the views that have one, for good.
local core = require "fstore.core"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local files = require "fstore.files"
local log = require "fstore.host.log"
local message = require "fstore.host.message"
local pusher = require "fstore.application.pusher"
local signals = require "fstore.host.signals"
local uv = require "luv"
local webhook = require "fstore.webhook"

local push = {}

local SECRET_VARIABLE <const> = "FSTORE_WEBHOOK_SECRET"
local FINISH_MS <const> = 10000 -- for what is in flight when the program is asked to stop
local POOLED <const> = "a pooler stands before the database: wake-ups do not come through it, the log is polled instead"
local FIRST_PAUSE_MS <const> = 200
local LAST_PAUSE_MS <const> = 30000

local function at_least_one(text)
  local number = math.tointeger(tonumber(text))
  if number and number >= 1 and number <= 1000000 then
    return number
  end
  return nil, ("%s is not a whole number from 1 to 1000000"):format(text)
end

function push.add_to_parser(parser)
  parser:description("POST each pending event, as JSON, to the edge_function_url of its view: those of a partition in "
    .. "order, many partitions at a time. An answer 2xx acks the event; 202 leaves that to the receiver. Goes on until "
    .. "SIGINT or SIGTERM, then waits 10 seconds at most for what is in flight; the next signal ends it at once.")
  parser:argument "views" :args "*" :argname "VIEW" :description "Only these views; without it, all that have a URL."
  parser:option "--secret-file" :argname "FILE"
    :description("Sign after the Standard Webhooks specification with the secret in this file (whsec_ and base64; "
      .. "several to go from one to the next). Without it, with " .. SECRET_VARIABLE .. ", if that is set.")
  parser:option "--ca-file" :argname "FILE" :description "Authorities to trust, as PEM, instead of the system's."
  parser:option "--timeout" :argname "SECONDS" :convert(at_least_one) :default "30"
    :description "Limit of a request; a view's lock_timeout_s is another."
  parser:option "--concurrency" :argname "N" :convert(at_least_one) :default "16"
    :description "Requests at a time to each view."
  log.add_to_parser(parser)
end

---@class fstore.host.PushRun
---@field context fstore.host.Context
---@field pusher fstore.Pusher
---@field counts table<string, integer> outcome → deliveries
---@field pause number milliseconds before the database is tried again; grows until it answers

local function usage(text, ...)
  error(errors.new("usage", text:format(...)), 0)
end

-- Neither the secret nor the name of its file is shown: someone may have put the one where the other belongs.
local function signer(args)
  local source, text, problem = SECRET_VARIABLE, os.getenv(SECRET_VARIABLE), nil
  if args.secret_file then
    source, text, problem = "--secret-file", files.read(args.secret_file)
  end
  if problem then
    usage("--secret-file: %s", problem:match("[^:]*$"):match("%S.*"))
  elseif not text then
    return nil
  end
  local sign, fault = webhook.signer(text)
  return sign or usage("%s: %s", source, fault)
end

local function ca_file(args)
  if args.ca_file then
    local text, problem = files.read(args.ca_file)
    if not text then
      usage("--ca-file: %s", problem)
    elseif not text:find("-----BEGIN", 1, true) then
      usage("--ca-file: %s holds no certificate in PEM", args.ca_file)
    end
  end
  return args.ca_file
end

local function now()
  return uv.hrtime() / 1e6
end

local MESSAGES <const> = {
  delivered = "delivered", left = "left to the receiver", later = "put off", failed = "failed", parked = "parked",
  late = "acked too late: the lease has run out, or the receiver has acked itself", placed = "pushing",
  misplaced = "nothing is pushed",
}

local LEVELS <const> = { delivered = "info", left = "info", placed = "info", later = "warning", late = "warning" }

-- All goes well, for each of very many events.
local USUAL <const> = { delivered = true, left = true }

local function reporter(run, shows_all)
  return function(delivery)
    local outcome, event = delivery.outcome, delivery.event or {}
    run.counts[outcome] = (run.counts[outcome] or 0) + 1
    if shows_all or not USUAL[outcome] then
      log.event {
        level = LEVELS[outcome] or "error", message = MESSAGES[outcome], view = delivery.view,
        partition = event.decider_id, event = event.event, offset = event.offset, attempt = event.attempts,
        duration_ms = delivery.milliseconds, retry_in_ms = delivery.retry_in, error = delivery.error,
        receiver = delivery.receiver,
      }
    end
  end
end

-- What passes by itself: the server is gone, is overloaded, or had to end one of two statements.
local PASSES <const> = { connection = true, serialization = true, cancelled = true, database = true }

local function check_passes(err)
  if not errors.is(err) or not PASSES[err.kind] then
    error(err, 0)
  end
end

-- Waits meanwhile for answers; ends early when the program is asked to stop.
local function rest(run, milliseconds)
  local ends = now() + milliseconds
  while now() < ends and not signals.stop_asked() do
    run.pusher:rest(math.max(ends - now(), 0), uv.backend_fd())
  end
end

-- The old connection stays the pusher's until there is a new one.
local function reopen(context)
  local old = context.opened
  context.opened = nil
  local ok, opened = pcall(context.store, context)
  if ok then
    old:close()
  else
    context.opened = context.opened or old
  end
  return ok, opened
end

local function pause(run, err)
  local milliseconds = run.pause * (0.75 + math.random() / 2)
  run.pause = math.min(run.pause * 2, LAST_PAUSE_MS)
  log.event {
    level = "error", message = "waiting for the database", error = message.of(err), retry_in_ms = milliseconds,
  }
  rest(run, milliseconds)
end

local function recover(run, err)
  while not signals.stop_asked() do
    check_passes(err)
    pause(run, err)
    local ok, opened = reopen(run.context)
    if ok then
      log.event { message = "connected to the database again" }
      return run.pusher:use(opened)
    end
    err = opened
  end
end

local function run_on(run)
  while not signals.stop_asked() do
    local done, err = run.pusher:step()
    if done then
      run.pause = FIRST_PAUSE_MS
      done, err = run.pusher:wait(uv.backend_fd())
    end
    if not done then
      recover(run, err)
    end
  end
end

local function finish(run)
  local done, err = run.pusher:finish(FINISH_MS)
  if not done then
    log.event { level = "error", message = "leases are left to run out by themselves", error = message.of(err) }
  end
  local counts = run.counts
  log.event {
    message = "stopped", delivered = counts.delivered or 0, left = counts.left or 0, put_off = counts.later or 0,
    failed = (counts.failed or 0) + (counts.parked or 0),
  }
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function push.run(context, args)
  local run = { context = context, counts = {}, pause = FIRST_PAUSE_MS }
  log.use(args.log)
  local sign = signer(args)
  local http <close> = core.http.client { ca_file = ca_file(args) }
  local store = context:store()
  run.pusher = pusher.new(store, {
    http = http, now = now, sign = sign, views = args.views, report = reporter(run, args.log or args.verbose),
    concurrency = args.concurrency, timeout_ms = args.timeout * 1000,
  })
  if store:is_pooled() then
    log.event { level = "warning", message = POOLED }
  end
  signals.listen()
  core.notify_systemd("READY=1")
  run_on(run)
  core.notify_systemd("STOPPING=1")
  finish(run)
  return exit_code.DONE
end

return push
