--- The driver of `fstore-lua`: reads the command line, runs one command, and alone decides how the program ends.
local argparse = require "argparse"
local core = require "fstore.core"
local context = require "fstore.host.context"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local message = require "fstore.host.message"
local signals = require "fstore.host.signals"

local host = {}

local COMMANDS <const> = {
  "new", "check", "init", "handle", "project", "push", "events", "state", "views", "replay", "park", "resume", "doctor",
  "repl", "db",
}

local EPILOG <const> = [[
Without --db, FSTORE_URL or libpq's own PG* variables it runs a PostgreSQL of its own in --data-dir.
Exit codes: 0 done, 1 the domain refused, 2 usage, 3 conflict not resolved, 4 database unreachable,
5 a script failed, 70 a bug of ours.]]

local function add_version(parser)
  parser:flag "--version" :description "Print the version and exit." :action(function()
    print("fstore-lua " .. core.version)
    os.exit(0)
  end)
  for _, command in ipairs(parser._commands) do
    add_version(command)
  end
end

local function make_parser()
  local parser = argparse("fstore-lua", "An event store on PostgreSQL: deciders and views are Lua scripts.", EPILOG)
  parser:help_max_width(100):command_target "command"
  parser:option "--db" :argname "URL" :description "The database: a libpq URL or keywords."
  parser:option "--schema" :argname "NAME" :default "fstore" :description "Schema of the store."
  parser:option "--data-dir" :argname "DIR" :default ".fstore" :description "Folder of the embedded PostgreSQL."
  parser:flag "--json" :description "Print data as NDJSON, on a terminal too."
  parser:flag "-v --verbose" :description "Show tracebacks."
  for _, name in ipairs(COMMANDS) do
    -- argparse marks a command in the arguments too: `db` would hide --db.
    require("fstore.host.commands." .. name).add_to_parser(parser:command(name):target("command_" .. name))
  end
  parser:add_complete_command "completion"
  add_version(parser)
  return parser
end

-- A wrong command line ends in an error that points to the help of the command at hand.
local function parse(argv)
  local parser = make_parser()
  function parser.error(at_fault, text)
    local hint = ("try `%s --help`"):format(at_fault:_get_fullname())
    error(errors.new("usage", (text:gsub("\n", ". ")), { hint = hint }), 0)
  end
  return parser:parse(argv)
end

local function report(err, verbose)
  if not errors.is(err) then
    io.stderr:write("fstore-lua: a bug of ours, please report it: ", err, "\n")
    return exit_code.BUG
  end
  if err.kind ~= "reader_gone" then
    io.stderr:write("fstore-lua: ", message.of(err), "\n")
  end
  if verbose and err.traceback then
    io.stderr:write((err.traceback:gsub("^%s+", "")), "\n")
  end
  return exit_code.of(err)
end

local function with_traceback(err)
  return errors.is(err) and err or debug.traceback(tostring(err), 2)
end

---Runs one command.
---@param argv string[]
---@return integer exit_code
function host.run(argv)
  signals.forget_interpreter()
  signals.ignore_broken_pipes()
  local ok, args = xpcall(parse, with_traceback, argv)
  if not ok then
    return report(args)
  end
  local run_context <close> = context.new(args)
  local done, result = xpcall(require("fstore.host.commands." .. args.command).run, with_traceback, run_context, args)
  return done and result or report(result, args.verbose)
end

return host
