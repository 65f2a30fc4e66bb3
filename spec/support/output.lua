--- busted output handler: dots while running, then failures, slow files, and `N passed, N failed` as the last line.

local busted = require "busted"

local SLOW_SECONDS = 1
local MARKS = { success = ".", failure = "F", error = "E", pending = "s" }

---@param message any what a failed assertion or a raise carries
---@return string
local function text_of(message)
  if message == nil then return "nil" end
  if type(message) == "string" then return message end
  local mt = getmetatable(message)
  if mt and mt.__tostring then return tostring(message) end
  return require("pl.pretty").write(message)
end

---@param text string
---@return string every line indented by four spaces
local function indented(text)
  return (("    " .. text):gsub("\n", "\n    "):gsub("%s+$", ""))
end

---@param item table a failure, error or pending test as busted's base handler keeps it
---@return string "path:line" or ""
local function place_of(item)
  local trace = item.element.trace or item.trace
  return trace and trace.short_src and ("%s:%d"):format(trace.short_src, trace.currentline) or ""
end

local function print_failure(label, item)
  io.write(("\n%s %s\n  %s\n%s\n"):format(label, item.name, place_of(item), indented(text_of(item.message))))
  local traceback = item.isError and item.trace and item.trace.traceback
  if traceback then io.write(indented(traceback:gsub("^\n", "")), "\n") end
end

local function print_pending(item)
  local reason = item.message and " (" .. text_of(item.message) .. ")" or ""
  io.write(("\nSKIPPED %s %s%s\n"):format(item.name, place_of(item), reason))
end

local function print_slow_files(seconds_by_file)
  local files = {}
  for file, seconds in pairs(seconds_by_file) do
    if seconds >= SLOW_SECONDS then files[#files + 1] = file end
  end
  table.sort(files, function(a, b) return seconds_by_file[a] > seconds_by_file[b] end)
  if #files > 0 then io.write("\nslow spec files\n") end
  for _, file in ipairs(files) do io.write(("  %6.1f s  %s\n"):format(seconds_by_file[file], file)) end
end

return function(options)
  local handler = require "busted.outputHandlers.base"()
  local seconds_by_file = {}

  local function counts()
    local failed = handler.failuresCount + handler.errorsCount
    if handler.successesCount + failed + handler.pendingsCount == 0 then
      io.write("\nno test ran\n")
      failed = 1
    end
    return handler.successesCount, failed, handler.pendingsCount
  end

  local failed_in_all = 0

  function handler.testEnd(_, _, status)
    io.write(MARKS[status] or "?")
    io.flush()
    return nil, true
  end

  function handler.fileEnd(file)
    seconds_by_file[file.name] = file.duration
    return nil, true
  end

  function handler.suiteEnd()
    io.write("\n")
    for _, item in ipairs(handler.pendings) do print_pending(item) end
    for _, item in ipairs(handler.failures) do print_failure("FAILED", item) end
    for _, item in ipairs(handler.errors) do print_failure("ERROR", item) end
    print_slow_files(seconds_by_file)
    local passed, failed, skipped = counts()
    failed_in_all = failed_in_all + failed
    io.write(("\n%d passed, %d failed%s\n"):format(passed, failed, skipped > 0 and ", " .. skipped .. " skipped" or ""))
    io.flush()
    return nil, true
  end

  -- busted exits with the number of failures, which is 0 again at 256, and with 0 when no test ran.
  function handler.exit()
    if failed_in_all > 0 then os.exit(1, true) end
    return nil, true
  end

  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "file", "end" }, handler.fileEnd)
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  busted.subscribe({ "exit" }, handler.exit)
  handler.options = options
  return handler
end
