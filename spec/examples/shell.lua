-- What the specs of the examples share: running programs, and folders that go away.
local shell = {}

local build = os.getenv("FSTORE_BUILD") or "build"

--- The host, as built.
shell.fstore = build .. "/bin/fstore-lua"

function shell.quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

function shell.append(path, text)
  local file <close> = assert(io.open(path, "ab"))
  assert(file:write(text))
end

--- Makes an empty folder that any user may enter: the embedded server runs as one of its own.
function shell.folder()
  local pipe <close> = assert(io.popen("mktemp -d"))
  local folder = pipe:read("l")
  assert(os.execute("chmod 711 " .. shell.quote(folder)))
  return folder
end

function shell.remove(folder)
  os.execute("rm -rf " .. shell.quote(folder))
end

--- Runs a command line.
---@return integer code
---@return string output
---@return string messages what it wrote to stderr
function shell.run(command_line)
  local folder = shell.folder()
  local redirected = ("( %s ) >%s/out 2>%s/err </dev/null"):format(command_line, folder, folder)
  local _, _, code = os.execute(redirected)
  local output, messages = read(folder .. "/out"), read(folder .. "/err")
  shell.remove(folder)
  return code, output, messages
end

return shell
