--- How the program ends: one code for each kind of failure.
local exit_code = { DONE = 0, REFUSED = 1, USAGE = 2, CONFLICT = 3, UNREACHABLE = 4, SCRIPT = 5, BUG = 70 }

local OF_KIND <const> = {
  reader_gone = exit_code.DONE,
  refused = exit_code.REFUSED,
  usage = exit_code.USAGE, unknown_command = exit_code.USAGE, command_reused = exit_code.USAGE,
  output = exit_code.USAGE,
  conflict = exit_code.CONFLICT, final = exit_code.CONFLICT, serialization = exit_code.CONFLICT,
  connection = exit_code.UNREACHABLE, no_schema = exit_code.UNREACHABLE, permission = exit_code.UNREACHABLE,
  embedded = exit_code.UNREACHABLE, no_server = exit_code.UNREACHABLE, newer_schema = exit_code.UNREACHABLE,
}

---@param err fstore.Error
---@return integer
function exit_code.of(err)
  return OF_KIND[err.kind] or exit_code.SCRIPT
end

return exit_code
