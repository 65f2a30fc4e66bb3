-- Reads a git repository through the `git` program.
local git = {}

local BLOCK = 65536

-- Each commit is five fields, then the raw diff against its first parent. No option may depend on the user's
-- git configuration: it could hide submodules, merges or the first commit.
local LOG = {
  "log", "--first-parent", "--reverse", "--diff-merges=first-parent", "--root",
  "--raw", "-z", "--no-abbrev", "-M", "--no-relative", "--ignore-submodules=none", "--no-show-signature",
  "--encoding=UTF-8", "--format=tformat:commit%x00%H%x00%an%x00%aI%x00%s",
}

--- Quotes a word for the shell: whatever its bytes are, the shell sees one word.
---@param word string
---@return string
function git.sh_quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

-- Starts `git -C repository arguments…` and returns a pipe to its output.
local function start(repository, arguments)
  local words = { "exec git -C", git.sh_quote(repository) }
  for _, argument in ipairs(arguments) do words[#words + 1] = git.sh_quote(argument) end
  return assert(io.popen(table.concat(words, " "), "r"))
end

--- Runs git and returns all it prints.
---@param repository string
---@param ... string arguments
---@return string|nil output nil when git failed; it has said why on stderr
function git.output(repository, ...)
  local pipe <close> = start(repository, { ... })
  local output = pipe:read("a")
  return pipe:close() and output or nil
end

--- Finds a commit by its name.
---@param repository string
---@param name string|nil a commit, branch or tag; HEAD when nil
---@return string|nil hash
---@return string|nil problem
function git.commit(repository, name)
  if not git.output(repository, "rev-parse", "--git-dir") then return nil, "is not a git repository" end
  local hash = git.output(repository, "rev-parse", "--quiet", "--verify", "--end-of-options",
    (name or "HEAD") .. "^{commit}")
  if not hash then return nil, name and "has no commit " .. name or "has no commits yet" end
  return (hash:gsub("\n$", ""))
end

--- Whether the repository was cloned without its older history.
---@param repository string
---@return boolean
function git.is_shallow(repository)
  return git.output(repository, "rev-parse", "--is-shallow-repository") == "true\n"
end

-- Iterates over the parts of a stream that a NUL ends, one block of the stream in memory at a time.
local function each_part(pipe)
  local block, from = "", 1
  return function()
    local stop = block:find("\0", from, true)
    while not stop do
      local more = pipe:read(BLOCK)
      if not more then return nil end
      local searched = #block - from + 1
      block, from = block:sub(from) .. more, 1
      stop = block:find("\0", searched + 1, true)
    end
    local part = block:sub(from, stop - 1)
    from = stop + 1
    return part
  end
end

-- ":oldmode newmode oldblob newblob STATUS", with the score of a rename behind its status.
local RAW = "^\n?:%d+ (%d+) %x+ (%x+) (%u)(%d*)$"

local function read_change(part, next_part)
  local mode, blob, status, score = part:match(RAW)
  if not mode then error("git log wrote something unexpected: " .. part, 0) end
  local change = { status = status, mode = mode, blob = blob, similarity = tonumber(score) }
  if status == "R" or status == "C" then change.from = next_part() end
  change.path = next_part()
  return change
end

--- Iterates over what each commit changed, oldest first, along the first parents of `commit`. A merge counts as what
--- it brought to its first parent; a commit that changes no file does not appear.
---@param repository string
---@param commit string
---@return fun(): table|nil change {status, path, from, mode, blob, similarity}, status as in `git diff --raw`
---        table|nil commit {hash, author, date, subject}
function git.history(repository, commit)
  local arguments = table.move(LOG, 1, #LOG, 1, {})
  arguments[#arguments + 1] = commit
  arguments[#arguments + 1] = "--"
  local pipe = start(repository, arguments)
  local next_part = each_part(pipe)
  local current

  return function()
    for part in next_part do
      if part ~= "commit" then return read_change(part, next_part), current end
      current = { hash = next_part(), author = next_part(), date = next_part(), subject = next_part() }
    end
    if not pipe:close() then error("git log failed", 0) end
  end
end

--- The files of a commit, as `git ls-tree -r` shows them.
---@param repository string
---@param commit string
---@return table<string, string> tree path → "mode blob"
function git.tree(repository, commit)
  local listing = git.output(repository, "ls-tree", "-r", "-z", "--full-tree", commit)
  if not listing then error("git ls-tree failed", 0) end
  local tree = {}
  for mode, blob, path in listing:gmatch("(%d+) %l+ (%x+)\t([^\0]+)\0") do tree[path] = mode .. " " .. blob end
  return tree
end

return git
