-- Lets the scripts of this folder run straight from a checkout: they find the library's sources and what
-- `make build` built. Elsewhere they use the installed library.
local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
local root = here .. "/../.."

package.path = table.concat({ root .. "/lua/?.lua", root .. "/lua/?/init.lua", package.path }, ";")
package.cpath = root .. "/build/lib/?.so;" .. package.cpath

local found, problem = pcall(require, "fstore")
if not found then
  io.stderr:write("the fstore library is missing: run `make build`, or install the rock\n")
  io.stderr:write(tostring(problem):match("^[^\n]*"), "\n")
  os.exit(1)
end
