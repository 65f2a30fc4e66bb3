--- The words that the keeper says to its users: one line each, fields separated by tabs. Users never write to it: each
--- wish has a socket of its own, and to connect is to wish. (Writing to a keeper that is gone would be a SIGPIPE, which
--- ends the program of whoever uses the library.)

local wire = {}

local function escape(field)
  return (tostring(field):gsub("[%c%%]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function unescape(field)
  return (field:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

---@param ... string|integer|boolean
---@return string line
function wire.encode(...)
  local fields = table.pack(...)
  for i = 1, fields.n do fields[i] = escape(fields[i]) end
  return table.concat(fields, "\t") .. "\n"
end

---@param line string without its newline
---@return string[] fields
function wire.decode(line)
  local fields = {}
  for field in (line .. "\t"):gmatch("([^\t]*)\t") do fields[#fields + 1] = unescape(field) end
  return fields
end

--- Calls `on_word(fields)` for each line that arrives, `on_end()` once when the other side is gone.
---@param pipe uv_pipe_t
---@param on_word fun(fields: string[])
---@param on_end fun()
function wire.listen(pipe, on_word, on_end)
  local buffer = ""
  pipe:read_start(function(err, data)
    if err or not data then
      pipe:read_stop()
      return on_end()
    end
    buffer = buffer .. data
    local unread = 1
    for line, next_line in buffer:gmatch("([^\n]*)\n()") do
      unread = next_line
      on_word(wire.decode(line))
    end
    buffer = buffer:sub(unread)
  end)
end

return wire
