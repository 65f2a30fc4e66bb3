--- Lines from stdin, as many at a time as have arrived: it waits only for the first.
local errors = require "fstore.errors"
local signals = require "fstore.host.signals"
local uv = require "luv"

---@class fstore.host.Input
---@field size integer? bytes in all, when stdin is a file
---@field is_terminal boolean
---@field taken integer bytes handed out so far
local Input = {}
Input.__index = Input

local input = {}

local CHUNK <const> = 65536

---@return fstore.host.Input
function input.new()
  local stat = uv.fs_fstat(0)
  return setmetatable({
    rest = {}, ready = {}, first = 1, number = 0, taken = 0, is_terminal = uv.guess_handle(0) == "tty",
    size = stat and stat.type == "file" and stat.size or nil,
  }, Input)
end

-- Waits until there is something to read; false when the program was asked to stop meanwhile.
local function wait_readable()
  local poll, readable = uv.new_poll(0), false
  if not poll then -- a file is always readable
    return not signals.stop_asked()
  end
  poll:start("r", function() readable = true end)
  while not readable and not signals.asked_to_stop do
    uv.run("once")
  end
  poll:stop()
  poll:close()
  uv.run("nowait")
  return not signals.asked_to_stop
end

local BYTE_ORDER_MARK <const> = "^\xEF\xBB\xBF"

local function add_line(self, text)
  local size = #text + 1
  self.number = self.number + 1
  if self.number == 1 then
    text = text:gsub(BYTE_ORDER_MARK, "")
  end
  self.ready[#self.ready + 1] = { number = self.number, text = text, size = size }
end

-- Cuts a chunk into lines; its last part waits for the next chunk.
local function cut(self, chunk)
  local from = 1
  while true do
    local newline = chunk:find("\n", from, true)
    if not newline then
      break
    end
    self.rest[#self.rest + 1] = chunk:sub(from, newline - 1)
    add_line(self, table.concat(self.rest))
    self.rest, from = {}, newline + 1
  end
  if from <= #chunk then
    self.rest[#self.rest + 1] = chunk:sub(from)
  end
end

local function fill(self)
  while self.first > #self.ready and not self.ended do
    self.ready, self.first = {}, 1
    if not wait_readable() then
      return
    end
    local chunk, message = uv.fs_read(0, CHUNK, -1)
    if not chunk then
      error(errors.new("usage", "stdin: " .. message), 0)
    elseif #chunk == 0 then
      self.ended = true
      if #self.rest > 0 then
        add_line(self, table.concat(self.rest))
      end
    else
      cut(self, chunk)
    end
  end
end

---The next lines, without their newlines.
---@param limit integer
---@return { number: integer, text: string }[] lines none at the end, or when the program was asked to stop
function Input:lines(limit)
  fill(self)
  local lines = {}
  while #lines < limit and self.first <= #self.ready do
    local line = self.ready[self.first]
    lines[#lines + 1] = line
    self.taken, self.first = self.taken + line.size, self.first + 1
  end
  return lines
end

return input
