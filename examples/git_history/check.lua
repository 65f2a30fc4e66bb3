-- Compares the projected tree with the one of git; the options name the store as they do for fstore-lua:
--   lua5.4 check.lua REPOSITORY COMMIT [--db URL] [--schema NAME] [--data-dir FOLDER]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
require "in_place"

local context = require "fstore.host.context"
local git = require "git"
local path_text = require "path_text"

local USAGE = "usage: lua5.4 check.lua REPOSITORY COMMIT [--db URL] [--schema NAME] [--data-dir FOLDER]"
local SHOWN = 20

local function read_options(words)
  local options = { schema = "fstore", data_dir = ".fstore" }
  for index = 3, #words, 2 do
    local name = words[index]:match("^%-%-([%l-]+)$")
    if not (name and words[index + 1]) then error(USAGE, 0) end
    options[name:gsub("-", "_")] = words[index + 1]
  end
  return options
end

-- path → "mode blob"
local function projected_tree(options)
  local place <close> = context.new(options)
  local store = place:store()
  local rows = assert(store:exec(("select path, mode, blob from %s.git_tree"):format(store:quoted_schema())))
  local tree = {}
  for _, row in ipairs(rows) do tree[path_text.decode(row.path)] = row.mode .. " " .. row.blob end
  return tree
end

local function compare(expected, projected)
  local differences, files = {}, 0
  local function note(what, path) differences[#differences + 1] = what .. path_text.encode(path) end
  for path, entry in pairs(expected) do
    files = files + 1
    if not projected[path] then
      note("only in git:            ", path)
    elseif projected[path] ~= entry then
      note(("%s in git, %s in the projection: "):format(entry, projected[path]), path)
    end
  end
  for path in pairs(projected) do
    if not expected[path] then note("only in the projection: ", path) end
  end
  table.sort(differences)
  return differences, files
end

local function report(differences, files)
  if #differences == 0 then
    print(("the tree equals git ls-tree: %d files"):format(files))
    return 0
  end
  print(("the tree differs from git ls-tree in %d files:"):format(#differences))
  print("  " .. table.concat(differences, "\n  ", 1, math.min(#differences, SHOWN)))
  if #differences > SHOWN then print(("  and %d more"):format(#differences - SHOWN)) end
  return 1
end

local function main(repository, commit)
  if not commit then error(USAGE, 0) end
  return report(compare(git.tree(repository, commit), projected_tree(read_options(arg))))
end

local done, result = pcall(main, arg[1], arg[2])
if not done then io.stderr:write("check: ", tostring(result), "\n") end
os.exit(done and result or 2, true)
