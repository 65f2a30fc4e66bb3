--- Data on stdout: a table on a terminal, NDJSON in a pipe.
local errors = require "fstore.errors"
local json = require "fstore.core".json
local uv = require "luv"

---@class fstore.host.Output
---@field is_table boolean whether rows are shown as a table
local Output = {}
Output.__index = Output

local output = {}

---@param as_json boolean NDJSON on a terminal too
---@return fstore.host.Output
function output.new(as_json)
  io.stdout:setvbuf("full")
  return setmetatable({ is_table = not as_json and uv.guess_handle(1) == "tty" }, Output)
end

-- A reader that went away (`| head -1`) is no failure of ours: there is nobody left to tell.
local function check_written(ok, message)
  if not ok then
    error(errors.new("output", "stdout: " .. tostring(message)), 0)
  end
end

---@param text string
function Output:line(text)
  check_written(io.stdout:write(text, "\n"))
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

local function columns_of_terminal()
  local tty = uv.new_tty(1, false)
  local columns = tty and tty:get_winsize() or 80
  return math.max(columns, 40)
end

local function cell(value)
  if value == nil then
    return ""
  end
  return (tostring(value):gsub("%c", " "))
end

---Shows rows under headings; the last column takes what room is left.
---@param headings string[]
---@param rows any[][] numbers stand to the right
function Output:table(headings, rows)
  local widths, last = {}, #headings
  for column, heading in ipairs(headings) do
    widths[column] = width_of(heading)
    for _, row in ipairs(rows) do
      widths[column] = math.max(widths[column], width_of(cell(row[column])))
    end
  end
  local room = columns_of_terminal()
  for column = 1, last - 1 do
    room = room - widths[column] - 2
  end
  widths[last] = math.max(math.min(widths[last], room), 10)
  local function show(row)
    local cells = {}
    for column = 1, last do
      local text = clip(cell(row[column]), widths[column])
      cells[column] = pad(text, widths[column], type(row[column]) == "number")
    end
    self:line((table.concat(cells, "  "):gsub("%s+$", "")))
  end
  show(headings)
  for _, row in ipairs(rows) do
    show(row)
  end
end

return output
