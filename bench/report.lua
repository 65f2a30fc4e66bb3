--- The results: a line of the table as soon as it is measured, and all of them as one JSON file.
local core = require "fstore.core"

local Report = {}
Report.__index = Report

local report = {}

local FORM <const> = "%-52s %12s %-6s %12s  %-22s %7s  %-7s %s"

function report.new()
  print(FORM:format("row", "ours", "", "baseline", "", "ratio", "target", ""))
  return setmetatable({ lines = {} }, Report)
end

local function number(value)
  if not value then
    return ""
  end
  return (value >= 100 and "%.0f" or value >= 1 and "%.2f" or "%.3f"):format(value)
end

local function target_of(line)
  if line.at_least then
    return "≥ " .. line.at_least, line.ratio >= line.at_least
  elseif line.at_most then
    return "≤ " .. line.at_most, line.ratio <= line.at_most
  elseif line.limit then
    return "≤ " .. line.limit, line.ours <= line.limit
  elseif line.floor then
    return "≥ " .. line.floor, line.ours >= line.floor
  end
  return "", nil
end

function Report:add(line)
  local target, met = target_of(line)
  line.target, line.met = target ~= "" and target or nil, met
  self.lines[#self.lines + 1] = line
  print(FORM:format(line.title, number(line.ours), line.unit, number(line.theirs), line.baseline or "",
    line.ratio and ("%.2f"):format(line.ratio) or "", target, met == nil and "" or met and "met" or "MISSED"))
  io.stdout:flush()
end

function Report:save(path)
  local file = assert(io.open(path, "w"))
  file:write(core.json.encode { rows = core.json.array(self.lines) }, "\n")
  file:close()
end

return report
