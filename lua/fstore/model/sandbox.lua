--- What a script can reach: the language, its neighbours, the model. Not the clock, dice, files or the store: an event
--- must lead to the same state today, tomorrow and on another machine. It guards against mistakes, not against malice.
local core = require "fstore.core"
local files = require "fstore.files"

local sandbox = {}

local TIME <const> = "time comes with the command, in its data"
local IDS <const> = "ids come with the command (decider_id, command_id, data); fstore.uuid.v5 makes one from a name"
local DICE <const> = "dice are thrown by the caller and come with the command, in its data"
local WORLD <const> = "what must be known of the world comes with the command, in its data"
local STORE <const> = "return events (or commands, from a saga): the host stores them"

local function out_of_reach(name, instead, level)
  error(("%s is out of reach of a script: %s"):format(name, instead), level + 1)
end

-- A module as a script sees it: what is allowed of it; for the keys of `reasons`, or for all others when there is an
-- `instead`, why not. Refused when it is named, not when it is called: then the place of the message is the script's.
local function face(name, allowed, instead, reasons)
  local function refuse(_, key)
    local reason = reasons and reasons[key] or instead
    if reason then
      out_of_reach(("%s.%s"):format(name, tostring(key)), reason, 2)
    end
  end
  return setmetatable({}, {
    __index = (instead or reasons) and setmetatable(allowed, { __index = refuse }) or allowed,
    __newindex = function(_, key)
      error(("%s.%s = … changes what every script shares: keep it in a local"):format(name, tostring(key)), 2)
    end,
    __pairs = function() return pairs(allowed) end,
  })
end

local function without(library, name, reasons)
  local allowed = {}
  for key, item in pairs(library) do
    allowed[key] = not (reasons and reasons[key]) and item or nil
  end
  return face(name, allowed, nil, reasons)
end

local function model_face()
  local model = {
    decider = require "fstore.model.decider".new, view = require "fstore.model.view".new,
    saga = require "fstore.model.saga".new, combine = require "fstore.model.combine".new,
    decider_id = require "fstore.ids".decider_id, json = face("fstore.json", core.json), _VERSION = core.version,
    uuid = face("fstore.uuid", { v5 = core.uuid.v5, is_uuid = core.uuid.is_uuid }, IDS),
  }
  return face("fstore", model, STORE)
end

local function say(...)
  local texts = table.pack(...)
  for index = 1, texts.n do
    texts[index] = tostring(texts[index])
  end
  io.stderr:write(table.concat(texts, "\t"), "\n")
end

local PLAIN <const> = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
}

local function globals()
  local allowed = {
    string = without(string, "string"), table = without(table, "table"), utf8 = without(utf8, "utf8"),
    coroutine = without(coroutine, "coroutine"),
    math = without(math, "math", { random = DICE, randomseed = DICE }),
    os = face("os", {}, WORLD, { time = TIME, date = TIME, clock = TIME }), io = face("io", {}, WORLD),
    debug = face("debug", { traceback = debug.traceback }, "it is for tools"),
    print = say, -- stdout is the program's
  }
  for _, name in ipairs(PLAIN) do
    allowed[name] = _G[name]
  end
  for _, name in ipairs { "dofile", "load", "loadfile", "collectgarbage" } do
    allowed[name] = function()
      out_of_reach(name, "a script's neighbours come with require", 2)
    end
  end
  return allowed
end

---@param path string
---@param env table
---@return function
local function load_chunk(path, env)
  local text, message = files.read(path)
  local chunk
  if text then
    chunk, message = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t", env)
  end
  return chunk or error(message, 0)
end

local function new_require(folder, env)
  local loaded, loading = { fstore = model_face() }, {}
  local search = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path)
  return function(name)
    if loaded[name] ~= nil then
      return loaded[name]
    elseif type(name) ~= "string" or name:find("^fstore%.") then
      out_of_reach(("module %s"):format(name), STORE, 2)
    elseif loading[name] then
      error(("module %s requires itself"):format(name), 2)
    end
    local path = package.searchpath(name, search)
    if not path then
      error(("module %s is neither beside the script nor a Lua file in package.path"):format(name), 2)
    end
    loading[name] = true
    local module = load_chunk(path, env)(name, path)
    loading[name], loaded[name] = nil, module == nil and true or module
    return loaded[name]
  end
end

---Runs a script in a sandbox of its own. Raises what is wrong with it.
---@param path string
---@return any value what the script returned
function sandbox.run(path)
  local allowed = globals()
  local env = setmetatable({}, {
    __index = allowed,
    __newindex = function(_, name)
      error(("global %s = … is out of reach of a script: declare it local; what must last goes into events"):format(
        tostring(name)), 2)
    end,
  })
  allowed._G = env
  allowed.require = new_require(path:match("^(.*)/[^/]*$") or ".", env)
  return load_chunk(path, env)()
end

return sandbox
