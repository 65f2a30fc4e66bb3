--- The benchmark: `lua5.4 bench/main.lua` prints a table of rows, each our program beside its baseline.
---   ROWS=append,scale  only these files of bench/rows      SEED=schema.sql  the original schema as one more baseline
local root = arg[0]:match("^(.*)/bench/main%.lua$") or "."
package.path = ("%s/?.lua;%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, root, package.path)
package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)

local comparison = require "bench.comparison"
local report = require "bench.report"
local servers = require "bench.servers"

-- In this order: the big data sets come last.
local ALL <const> = {
  "append", "clients", "bounds", "batch", "handle", "load", "consume", "project", "latency", "size", "scale",
  "old_transaction", "instructions",
}

local function is_row(name)
  for _, known in ipairs(ALL) do
    if known == name then return true end
  end
  return false
end

local function chosen_rows()
  local names = {}
  for name in (os.getenv("ROWS") or ""):gmatch("[^%s,]+") do
    if not is_row(name) then
      io.stderr:write(("bench: there is no row '%s'. ROWS takes: %s\n"):format(name, table.concat(ALL, ", ")))
      os.exit(2)
    end
    names[#names + 1] = name
  end
  return #names > 0 and names or ALL
end

local function main()
  local names, results, seed = chosen_rows(), report.new(), os.getenv("SEED")
  local server <close> = servers.open { root = root, seed = seed ~= "" and seed or nil }
  for _, name in ipairs(names) do
    require("bench.rows." .. name)(server, comparison.new(results, name))
  end
  results:save(root .. "/build/bench.json")
end

main()
