--- Where the files that are not Lua live, in a checkout and in a LuaRocks tree alike.
local files = {}

local here = debug.getinfo(1, "S").source:match("^@(.*)files%.lua$") or "./"

local function exists(path)
  local file = io.open(path, "r")
  if file then
    file:close()
  end
  return file ~= nil
end

---The folder that holds `install.sql`: beside this module when installed, the checkout's own otherwise.
---@return string path without a trailing slash; raises when there is none
function files.sql_dir()
  for _, dir in ipairs { here .. "sql", here .. "../../sql" } do
    if exists(dir .. "/install.sql") then
      return dir
    end
  end
  error("fstore: the SQL files are missing beside " .. here .. ": install fstore-lua again")
end

---@param path string
---@return string? content, string? message
function files.read(path)
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local content
  content, message = file:read("a")
  file:close()
  return content, message and path .. ": " .. message
end

return files
