--- Instructions of our own program per event, as callgrind counts them: repeatable on any machine.
local events = require "bench.events"

local FEW <const>, MANY <const> = 2000, 6000

-- The libraries where most of the instructions are, from callgrind_annotate's list of functions.
local function largest_objects(text)
  local counts, objects, total = {}, {}, 0
  for count, object in text:gmatch("\n%s*([%d,]+) %([^)\n]*%)  [^\n]-%[[^%]\n]-([^/%]\n]+)%]") do
    local number = tonumber((count:gsub(",", "")))
    if not counts[object] then
      objects[#objects + 1] = object
    end
    counts[object], total = (counts[object] or 0) + number, total + number
  end
  table.sort(objects, function(one, other) return counts[one] > counts[other] end)
  local largest = {}
  for index = 1, math.min(3, #objects) do
    local object = objects[index]
    local name = object:match("^lua5%.4") or object:match("^%w+")
    largest[index] = ("%s %.0f %%"):format(name, 100 * counts[object] / total)
  end
  return table.concat(largest, ", ")
end

-- All of a program's instructions, and where most of them are.
local function count(server, arguments)
  local out = server.root .. "/build/bench/callgrind.out"
  local command = ("cd '%s' && valgrind --tool=callgrind --callgrind-out-file='%s' lua5.4 %s 2>&1 >/dev/null && "
    .. "callgrind_annotate '%s' 2>/dev/null"):format(server.root, out, arguments, out)
  local text = server:run { "sh", "-c", command }
  return tonumber(text:match("Collected : (%d+)")), largest_objects(text)
end

local function per_event(server, compare, title, run)
  local few = count(server, run(FEW))
  local many, largest = count(server, run(MANY))
  compare:note(("instructions per event, %s (%s)"):format(title, largest), "", (many - few) / (MANY - FEW))
end

return function(server, compare)
  if not os.execute("command -v valgrind >/dev/null") then
    print("instructions: valgrind is not installed")
    return
  end
  per_event(server, compare, "loading", function(length)
    local store <close> = server:store()
    events.fill(store, { streams = 1, length = length })
    return ("bench/folder.lua '%s' %s %s"):format(server.conninfo, store:schema(), events.decider_id(store, 1))
  end)
  per_event(server, compare, "consuming", function(length)
    local store <close> = server:store(1)
    events.fill(store, { streams = 100, length = length // 100 })
    return ("bench/consumer.lua '%s' %s count %d"):format(server.conninfo, store:schema(), length)
  end)
end
