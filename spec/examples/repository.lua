-- Makes git repositories for the specs. They are written as a stream for `git fast-import`: any name, mode and
-- order of changes is possible, and thousands of commits take a second.
--
-- As a program it makes a big one, to measure with:  lua5.4 spec/examples/repository.lua FOLDER COMMITS
local Repository = {}
Repository.__index = Repository

local function sh_quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

-- Git's own quoting, each byte as an octal escape.
local function quote(path)
  return '"' .. path:gsub(".", function(byte) return ("\\%03o"):format(byte:byte()) end) .. '"'
end

--- Starts a repository in a folder that may not exist yet.
function Repository.new(folder)
  assert(os.execute("git init -q " .. sh_quote(folder)))
  local git = "git -C " .. sh_quote(folder)
  assert(os.execute(git .. " symbolic-ref HEAD refs/heads/main"))
  local stream = assert(io.popen(git .. " fast-import --quiet", "w"))
  return setmetatable({ folder = folder, stream = stream, commits = 0 }, Repository)
end

-- The changes a commit is made of.
function Repository.put(path, content, mode)
  return ("M %s inline %s\ndata %d\n%s\n"):format(mode or "100644", quote(path), #content, content)
end

function Repository.link(path, commit)
  return ("M 160000 %s %s\n"):format(commit, quote(path))
end

function Repository.remove(path)
  return ("D %s\n"):format(quote(path))
end

function Repository.move(from, to)
  return ("R %s %s\n"):format(quote(from), quote(to))
end

--- Adds a commit: a list of changes, and by name `branch`, `message`, `author`, `from` and `merge` (commits).
---@return string commit for `from` and `merge`
function Repository:commit(options)
  self.commits = self.commits + 1
  local message = options.message or ("commit %d"):format(self.commits)
  local when = ("%d +0200"):format(1500000000 + self.commits * 60)
  self.stream:write(("commit refs/heads/%s\nmark :%d\n"):format(options.branch or "main", self.commits))
  self.stream:write(("author %s <a@example.org> %s\n"):format(options.author or "A U Thor", when))
  self.stream:write(("committer C O Mitter <c@example.org> %s\n"):format(when))
  self.stream:write(("data %d\n%s\n"):format(#message, message))
  if options.from then self.stream:write("from ", options.from, "\n") end
  if options.merge then self.stream:write("merge ", options.merge, "\n") end
  for _, change in ipairs(options) do self.stream:write(change) end
  self.stream:write("\n")
  return ":" .. self.commits
end

function Repository:finish()
  assert(self.stream:close())
  return self.folder
end

-- Names that need care, and that no two of them may be mixed up.
Repository.names = {
  "plain.txt", "with space", " leading and trailing ", "-dash", "--help", ":100644", "commit", ("long"):rep(60),
  "'single'", '"double"', "back\\slash", "tab\there", "line\nbreak", "cr\rhere", "\x01\x1b[31m", "\x7f",
  "$HOME", "`id`", "a;b|c&d", "*?[]", "~", "#", "%41", "A", "%", "100%", "%25",
  "é", "e\u{301}", "日本語", "🎉", "\xff\xfe", "caf\xe9", "\xc3", "\xed\xa0\x80",
  "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000",
  "deep/er/and/deeper/file", "deep/er/caf\xe9/x y",
}

-- A small generator of its own, for the same repository on every machine.
local function dice(seed)
  local state = seed
  return function(sides)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % sides + 1
  end
end

local function random_path(roll)
  local name = Repository.names[roll(#Repository.names)]:gsub("/", "-")
  return ("dir%d/sub%d/%s.%d"):format(roll(20), roll(10), name, roll(50))
end

-- Changes one file of `paths` (a list) at random, and the list with it.
local function random_change(roll, paths, content)
  local action, at = roll(20), #paths > 0 and roll(#paths)
  if not at or action <= 4 then
    local path = random_path(roll)
    if paths[path] then return Repository.put(path, content) end
    paths[#paths + 1], paths[path] = path, true
    return Repository.put(path, content)
  end
  local path = paths[at]
  if action <= 16 then return Repository.put(path, content, roll(30) == 1 and "100755" or nil) end
  paths[at], paths[path] = paths[#paths], nil
  paths[#paths] = nil
  if action <= 18 then return Repository.remove(path) end
  local to = random_path(roll)
  if not paths[to] then paths[#paths + 1], paths[to] = to, true end
  return Repository.move(path, to)
end

--- Writes commits that change up to `changes` files each; now and then one merges a side branch.
function Repository:grow(commits, changes, seed)
  local roll, paths, latest = dice(seed or 1), {}, nil
  for number = 1, commits do
    local commit = { from = latest }
    if latest and roll(10) == 1 then
      local side = Repository.put(("side/%d"):format(number), "side " .. number)
      commit.merge = self:commit { branch = "side", from = latest, side }
      commit[1] = side
    end
    for change = 1, roll(changes) do
      commit[#commit + 1] = random_change(roll, paths, ("%d %d\n"):format(number, change):rep(20))
    end
    latest = self:commit(commit)
  end
  return self
end

if arg and arg[0] and arg[0]:find("repository.lua", 1, true) then
  Repository.new(assert(arg[1], "a folder is needed")):grow(tonumber(arg[2]) or 2000, 20):finish()
end

return Repository
