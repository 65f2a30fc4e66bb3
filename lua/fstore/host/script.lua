--- Loads users' scripts: deciders and views.
local decider = require "fstore.model.decider"
local errors = require "fstore.errors"
local files = require "fstore.files"
local view = require "fstore.model.view"

local script = {}

-- A script may require its neighbours.
local function add_folder(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  local template = folder .. "/?.lua;"
  if package.path:sub(1, #template) ~= template then
    package.path = template .. package.path
  end
end

local function load_value(path)
  local text, message = files.read(path)
  if not text then
    error(errors.new("script", message), 0)
  end
  local chunk
  chunk, message = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t")
  if not chunk then
    error(errors.new("script", message), 0)
  end
  add_folder(path)
  local ok, value = xpcall(chunk, errors.from_script, path)
  if not ok then
    error(value, 0)
  end
  return value
end

local function wrong_value(path, value, wanted, command)
  local hint
  if decider.is(value) or view.is(value) then
    hint = ("it is a %s: use `fstore-lua %s`"):format(decider.is(value) and "decider" or "view", command)
  else
    hint = ("end the script with `return fstore.%s { … }`"):format(wanted)
  end
  error(errors.new("script", ("%s: the script must return a %s"):format(path, wanted), { hint = hint }), 0)
end

---@param path string
---@return fstore.Decider
function script.decider(path)
  local value = load_value(path)
  if not decider.is(value) then
    wrong_value(path, value, "decider", "project")
  end
  return value
end

---@param path string
---@return fstore.View
function script.view(path)
  local value = load_value(path)
  if not view.is(value) then
    wrong_value(path, value, "view", "handle")
  end
  return value
end

return script
