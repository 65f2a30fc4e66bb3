--- Lines on the terminal that are drawn anew in their place.
local output = require "fstore.host.output"

---@class fstore.host.Screen
---@field package output fstore.host.Output
---@field package height integer lines drawn last
local Screen = {}
Screen.__index = Screen

local screen = {}

local HIDE_CURSOR <const>, SHOW_CURSOR <const> = "\27[?25l", "\27[?25h"
local NO_WRAP <const>, WRAP <const> = "\27[?7l", "\27[?7h"

---@param out fstore.host.Output
---@return fstore.host.Screen to be closed: the terminal is as before then
function screen.open(out)
  out:text(HIDE_CURSOR .. NO_WRAP)
  return setmetatable({ output = out, height = 0 }, Screen)
end

-- What does not fit could not be reached by the cursor any more.
local function fitting(lines)
  local _, rows = output.terminal_size()
  local room = math.max(rows - 1, 2)
  if #lines <= room then
    return lines
  end
  local shown = table.move(lines, 1, room - 1, 1, {})
  shown[room] = ("… %d more"):format(#lines - room + 1)
  return shown
end

---@param lines string[]
function Screen:show(lines)
  local shown = fitting(lines)
  local parts = { self.height > 0 and ("\27[%dA"):format(self.height) or "" }
  for _, line in ipairs(shown) do
    parts[#parts + 1] = "\r" .. line .. "\27[K\n"
  end
  parts[#parts + 1] = "\27[J"
  self.output:text(table.concat(parts))
  self.output:flush()
  self.height = #shown
end

function Screen:__close()
  self.output:text(WRAP .. SHOW_CURSOR)
  self.output:flush()
end

return screen
