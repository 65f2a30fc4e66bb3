--- `fstore-lua repl`: a Lua prompt with the store at hand.
local core = require "fstore.core"
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local fstore = require "fstore"
local message = require "fstore.host.message"
local uv = require "luv"

local repl = {}

function repl.add_to_parser(parser)
  parser:description(
    "A Lua prompt with the store at hand: `store` is the one that the other commands would use, `fstore` the library. "
    .. "An expression shows its value, rows as a table. What is piped in runs as a script.")
  parser:epilog(
    "  > store:view_status()\n"
    .. "  > store:exec('select event, count(*) from fstore.events group by event')\n"
    .. "  > for event in store:get_events(fstore.decider_id('Order', 'o-1'), 'Order') do print(event.event) end\n"
    .. "Ctrl-D ends it. `rlwrap fstore-lua repl` remembers and edits lines.")
end

local WELCOME <const> = "fstore-lua %s, schema %s: `store` is the store, `fstore` the library; Ctrl-D ends"

---@class fstore.host.Repl
---@field context fstore.host.Context
---@field environment table what the chunks see and leave behind

-- Whether all items are events, as the store gives them.
local function is_list_of_events(value)
  return type(value) == "table" and core.event_type(value[1]) ~= nil
end

local function show_rows(output, rows)
  local lines = {}
  for index, row in ipairs(rows) do
    lines[index] = {}
    for column, name in ipairs(rows.columns) do
      local cell = row[name]
      lines[index][column] = type(cell) == "table" and core.json.encode(cell) or cell
    end
  end
  output:table(rows.columns, lines)
end

local function text_of(value)
  if type(value) == "table" or core.event_type(value) then
    local ok, text = pcall(core.json.encode, value)
    return ok and text or tostring(value)
  end
  return tostring(value)
end

local function show_value(output, value)
  local has_columns = type(value) == "table" and type(value.columns) == "table"
  if has_columns and #value.columns > 0 and output.is_table then
    show_rows(output, value)
  elseif has_columns or is_list_of_events(value) then
    for _, item in ipairs(value) do
      output:json(item)
    end
  else
    output:line(text_of(value))
  end
end

-- What the world did wrong comes as nil and an error; what went well often ends in an error that is nil.
local function show(self, results)
  local err, last = results[2], results.n
  if results[1] == nil and errors.is(err) then
    self.context.say(("%s: %s"):format(err.kind, message.of(err)))
    return
  end
  while last > 1 and results[last] == nil do
    last = last - 1
  end
  for index = 1, last do
    show_value(self.context.output, results[index])
  end
end

local function compile(self, text, name)
  local chunk = load("return " .. text, name, "t", self.environment)
  if chunk then
    return chunk
  end
  return load(text, name, "t", self.environment)
end

---@return fstore.Error? err
local function run(self, chunk)
  local results = table.pack(xpcall(chunk, errors.from_script))
  if results[1] then
    show(self, table.pack(table.unpack(results, 2, results.n)))
  end
  self.context.output:flush()
  return not results[1] and results[2] or nil
end

local function ask(prompt)
  io.stderr:write(prompt)
  return io.read()
end

-- A chunk, of as many lines as it takes to be complete; nil at the end.
local function read_chunk(self)
  local text = ask "> "
  while text do
    local chunk, problem = compile(self, text, "=repl")
    if chunk or not problem:find("<eof>", 1, true) then
      return chunk, problem
    end
    local more = ask ">> "
    text = more and text .. "\n" .. more
  end
  io.stderr:write("\n")
  return nil
end

local function converse(self)
  self.context.say(WELCOME:format(core.version, self.context.schema))
  while true do
    local chunk, problem = read_chunk(self)
    if not (chunk or problem) then
      return
    end
    local err = chunk and run(self, chunk)
    if err or problem then
      self.context.say(err and message.of(err) or problem)
    end
    if err and self.context.verbose and err.traceback then
      self.context.say((err.traceback:gsub("^%s+", "")))
    end
  end
end

local function run_script(self)
  local chunk, problem = compile(self, io.read("a"), "=stdin")
  local err = chunk and run(self, chunk) or problem and errors.new("script", problem)
  if err then
    error(err, 0)
  end
end

---@param context fstore.host.Context
---@return integer exit_code
function repl.run(context)
  local self = {
    context = context,
    environment = setmetatable({ store = context:store(), fstore = fstore, json = fstore.json }, { __index = _G }),
  };
  (uv.guess_handle(0) == "tty" and converse or run_script)(self)
  return exit_code.DONE
end

return repl
