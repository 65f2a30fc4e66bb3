--- A user of an embedded server, as a program: lua5.4 server_user.lua FOLDER [NAME=VALUE …]
--- Says `open STARTED KEEPER_PID SERVER_PID CONNINFO` or `failed KIND MESSAGE`, holds the server until its stdin ends.
local embedded = require "fstore.embedded"

local settings = {}
for i = 2, #arg do
  local name, value = arg[i]:match("^(.-)=(.*)$")
  settings[name] = value
end

local handle, err = embedded.open(arg[1], { settings = settings })
if handle then
  local status = embedded.status(arg[1])
  print("open", handle.started, status.keeper_pid, status.server_pid, handle.conninfo)
else
  print("failed", err.kind, (tostring(err):gsub("\n", " ")))
end
io.stdout:flush()
pcall(io.read, "a") -- Ctrl-C raises in it
if handle then handle:close() end
