--- `fstore-lua new`: a script to start from, and its spec.
local errors = require "fstore.errors"
local exit_code = require "fstore.host.exit_code"
local templates = require "fstore.host.templates"

local new = {}

function new.add_to_parser(parser)
  parser:description "Write a decider, a view or a saga to start from, and a spec that passes."
  parser:argument "kind" :choices { "decider", "view", "saga" } :description "What to write."
  parser:argument "name" :argname "NAME"
    :description "Its name: Order or order_totals, behind a folder or not. It goes to NAME.lua and NAME_spec.lua."
end

local function usage(message, ...)
  error(errors.new("usage", message:format(...)), 0)
end

-- ShoppingCart, shopping_cart and shopping-cart are all in shopping_cart.lua.
local function to_file_name(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):gsub("-", "_"):lower())
end

-- Deciders are named like types, views and sagas like tables.
local function to_name(kind, file_name)
  if kind ~= "decider" then
    return file_name
  end
  return ("_" .. file_name):gsub("_(%w)", string.upper)
end

local function write(path, text)
  local existing = io.open(path, "r")
  if existing then
    existing:close()
    usage("%s exists already", path)
  end
  local file, message = io.open(path, "w")
  if not file then
    usage("%s", message)
  end
  local _, failure = file:write(text)
  file:close()
  if failure then
    usage("%s: %s", path, failure)
  end
end

local function fill(template, name, file_name)
  return (template:gsub("@(%u+)@", { NAME = name, FILE = file_name }))
end

---@param context fstore.host.Context
---@param args table
---@return integer exit_code
function new.run(context, args)
  local folder, base = args.name:match("^(.*/)([^/]*)$")
  folder, base = folder or "", base or args.name
  if not base:find("^%a[%w_-]*$") then
    usage("%q is no name: letters, digits and _, beginning with a letter", base)
  end
  local file_name = to_file_name(base)
  if not load("local " .. file_name) then
    usage("%s is a word of Lua", file_name)
  end
  local name, template = to_name(args.kind, file_name), templates[args.kind]
  local script, spec = folder .. file_name .. ".lua", folder .. file_name .. "_spec.lua"
  write(script, fill(template.script, name, file_name))
  write(spec, fill(template.spec, name, file_name))
  context.say(("wrote %s and %s; run the spec with: busted %s"):format(script, spec, spec))
  return exit_code.DONE
end

return new
