--- `fstore-lua db`: the embedded server by hand.
local uv = require "luv"
local embedded = require "fstore.embedded"
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"

local db = {}

local exit = { done = 0, refused = 1, usage = 2, in_use = 3, unreachable = 4 }

local actions = {}

local function fail(context, err)
  context.say(tostring(err))
  return exit.unreachable
end

-- What `stop` and `destroy` answer: users of the server are in the way, or something went wrong.
local function fail_to_stop(context, err)
  if not err.users then return fail(context, err) end
  context.say(err.message .. "\n  hint: --force stops it all the same")
  return exit.in_use
end

function actions.start(context)
  local handle, err = embedded.open(context.data_dir)
  if not handle then return fail(context, err) end
  local kept
  kept, err = handle:keep()
  handle:close()
  if not kept then return fail(context, err) end
  context.say(handle.started and "started; it runs until `fstore-lua db stop`"
    or "it was running; now it stays until `fstore-lua db stop`")
  context.out(handle.url)
  return exit.done
end

function actions.stop(context, args)
  local stopped, err = embedded.stop(context.data_dir, { force = args.force })
  if stopped == nil then return fail_to_stop(context, err) end
  context.say(stopped and "stopped" or "it was not running")
  return exit.done
end

function actions.status(context)
  local status = embedded.status(context.data_dir)
  context.out("state    " .. status.state)
  if status.state == "stopped" then return exit.unreachable end
  context.out("version  " .. status.version)
  context.out("folder   " .. status.dir)
  context.out("url      " .. status.url)
  context.out(("users    %d%s"):format(status.users, status.kept and ", kept until `fstore-lua db stop`" or ""))
  context.out(("process  %s (keeper %d)"):format(status.server_pid or "-", status.keeper_pid))
  return exit.done
end

-- A setting in PGOPTIONS: an SQL name, its spaces and backslashes escaped once more.
local function search_path_option(schema)
  local name = '"' .. schema:gsub('"', '""') .. '",public'
  return "-csearch_path=" .. name:gsub("[%s\\]", "\\%0")
end

-- psql on the database that the other commands would use: `--db` first, ours otherwise.
function actions.psql(context, args)
  local named = context:conninfo()
  local opened, err
  if not named then
    opened, err = embedded.open(context.data_dir)
    if not opened then return fail(context, err) end
  end
  local handle <close> = opened
  local arguments = args.arguments
  local first = arguments[1] == "--" and 2 or 1
  local command = { "psql", "-d", named or handle.conninfo }
  table.move(arguments, first, #arguments, #command + 1, command)
  local code
  local child, message = process.spawn(command, {
    stdio = { 0, 1, 2 },
    env = process.environment { PGOPTIONS = search_path_option(context.schema or "fstore") },
  }, function(status, signal) code = signal > 0 and 128 + signal or status end)
  if not child then return fail(context, "cannot run psql (package postgresql-client): " .. message) end
  -- Ctrl-C is for psql, which gets it from the terminal too; what is sent to us alone is passed on
  local interrupt, terminate = uv.new_signal(), uv.new_signal()
  interrupt:start("sigint", function() end)
  terminate:start("sigterm", function() child:kill("sigterm") end)
  loop.wait(function() return code end)
  loop.close(interrupt)
  loop.close(terminate)
  return code
end

local function is_confirmed(dir)
  io.stderr:write(("All data in %s will be lost. Type yes to go on: "):format(dir))
  return io.read() == "yes"
end

function actions.destroy(context, args)
  local dir = embedded.status(context.data_dir).dir
  if not dir then
    context.say("there is no server in " .. context.data_dir)
    return exit.done
  end
  if not args.yes then
    if uv.guess_handle(0) ~= "tty" then
      context.say("this removes all data in " .. dir .. "\n  hint: --yes says that you mean it")
      return exit.usage
    end
    if not is_confirmed(dir) then return exit.refused end
  end
  local destroyed, err = embedded.destroy(context.data_dir, { force = args.force })
  if destroyed == nil then return fail_to_stop(context, err) end
  context.say("removed " .. dir)
  return exit.done
end

---@param parser table argparse's, of this command
function db.add_to_parser(parser)
  parser:description "Runs the embedded PostgreSQL server by hand. Other commands start and stop it on their own."
  parser:command_target "action"
  parser:command "start" :description "Start the server and keep it until `db stop`; prints its URL."
  parser:command "stop" :description "Stop the server; exits 3 when others use it."
    :flag "--force" :description "Even if others use it."
  parser:command "status" :description "Show whether the server runs; exits 0 if it does, 4 if not."
  local psql = parser:command "psql"
    :description "Run psql on the database that the other commands use, the store's schema first in search_path."
  psql:handle_options(false)
  psql:argument "arguments" :args "*" :description "psql's own options and arguments."
  local destroy = parser:command "destroy" :description "Stop the server and remove all its data."
  destroy:flag "--yes" :description "Do not ask."
  destroy:flag "--force" :description "Even if others use it."
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function db.run(context, args)
  return actions[args.action](context, args)
end

return db
