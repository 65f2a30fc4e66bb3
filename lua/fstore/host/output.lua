--- Data on stdout: a table on a terminal, NDJSON in a pipe.
local errors = require "fstore.errors"
local json = require "fstore.core".json
local uv = require "luv"

---@class fstore.host.Output
---@field is_terminal boolean
---@field is_table boolean whether rows are shown as a table
local Output = {}
Output.__index = Output

local output = {}

---@param as_json boolean NDJSON on a terminal too
---@return fstore.host.Output
function output.new(as_json)
  io.stdout:setvbuf("full")
  local is_terminal = uv.guess_handle(1) == "tty"
  return setmetatable({ is_terminal = is_terminal, is_table = is_terminal and not as_json }, Output)
end

local EPIPE <const> = 32

-- A reader that went away (`| head -1`) is no failure of ours: there is nobody left to tell.
local function check_written(ok, message, code)
  if not ok then
    error(errors.new(code == EPIPE and "reader_gone" or "output", "stdout: " .. message), 0)
  end
end

---@param text string
function Output:text(text)
  check_written(io.stdout:write(text))
end

---@param text string
function Output:line(text)
  self:text(text .. "\n")
end

---@param value any one line of NDJSON
function Output:json(value)
  self:line(json.encode(value))
end

---Hands on what was written so far.
function Output:flush()
  check_written(io.stdout:flush())
end

local function width_of(text)
  return utf8.len(text) or #text
end

local function pad(text, width, to_right)
  local blanks = (" "):rep(width - width_of(text))
  return to_right and blanks .. text or text .. blanks
end

local function clip(text, width)
  if width_of(text) <= width then
    return text
  end
  local last = utf8.offset(text, width)
  return (last and text:sub(1, last - 1) or text:sub(1, width - 1)) .. "…"
end

local terminal

---@return integer columns, integer rows
function output.terminal_size()
  terminal = terminal or uv.new_tty(1, false)
  local columns, rows
  if terminal then
    columns, rows = terminal:get_winsize()
  end
  return math.max(columns or 80, 40), rows or 24
end

local function cell(value)
  if value == nil then
    return ""
  end
  return (tostring(value):gsub("%c", " "))
end

local function measure(headings, rows, above)
  local widths, last = {}, #headings
  for column, heading in ipairs(headings) do
    widths[column] = math.max(width_of(heading), above and above[column] or 0)
    for _, row in ipairs(rows) do
      widths[column] = math.max(widths[column], width_of(cell(row[column])))
    end
  end
  local room = output.terminal_size()
  for column = 1, last - 1 do
    room = room - widths[column] - 2
  end
  widths[last] = math.max(math.min(widths[last], room), 10)
  return widths
end

local function format(widths, row)
  local cells = {}
  for column, width in ipairs(widths) do
    cells[column] = pad(clip(cell(row[column]), width), width, type(row[column]) == "number")
  end
  return (table.concat(cells, "  "):gsub("%s+$", ""))
end

---Rows under headings, as lines; the last column takes what room is left.
---@param headings string[]
---@param rows any[][] numbers stand to the right
---@param above integer[]? widths of the table that goes on with these rows: the headings stand there already
---@return string[] lines, integer[] widths
function output.table_lines(headings, rows, above)
  local widths = measure(headings, rows, above)
  local lines = { not above and format(widths, headings) or nil }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = format(widths, row)
  end
  return lines, widths
end

---Shows rows under headings.
---@param headings string[]
---@param rows any[][]
---@param above integer[]? widths of the table that goes on with these rows
---@return integer[] widths
function Output:table(headings, rows, above)
  local lines, widths = output.table_lines(headings, rows, above)
  for _, text in ipairs(lines) do
    self:line(text)
  end
  return widths
end

return output
