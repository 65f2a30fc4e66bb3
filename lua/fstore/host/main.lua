--- The program: `fstore-lua`.

-- A closed standard stream is held by something else before the first file of ours, or of luv's, takes its number.
-- Opened the other way round it stays an error to use it.
local held = {}
for _, stream in ipairs { io.stdin, io.stdout, io.stderr } do
  local EBADF <const> = 9
  if select(3, stream:seek()) == EBADF then
    held[#held + 1] = io.open("/dev/null", stream == io.stdin and "w" or "r")
  end
end

os.exit(require "fstore.host".run(arg), true)
