-- Writes the history of a git repository as commands for `fstore-lua handle file.lua`, one JSON object a line:
--   lua5.4 to_commands.lua REPOSITORY [COMMIT]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
require "in_place"

local fstore = require "fstore"
local git = require "git"
local path_text = require "path_text"

-- The namespace of this example's command ids.
local NAMESPACE = "5c0f7a52-6b1e-4f0c-9d3a-3f6d1c8e2b47"

local function say(...)
  io.stderr:write("to_commands: ", table.concat({ ... }), "\n")
end

-- Text of a commit is shown, not computed with: a byte that is no UTF-8 becomes a replacement character.
local function readable(bytes)
  local from = 1
  while true do
    local _, bad = utf8.len(bytes, from)
    if not bad then return bytes end
    bytes = bytes:sub(1, bad - 1) .. "\u{FFFD}" .. bytes:sub(bad + 1)
    from = bad
  end
end

-- The same change of the same commit has the same command id in every import.
local function write_command(name, path, commit, data)
  data.path, data.commit = path, commit.hash
  data.author, data.date, data.subject = commit.author, commit.date, commit.subject
  assert(io.write(fstore.json.encode {
    decider_id = path,
    command = name,
    data = data,
    command_id = fstore.uuid.v5(NAMESPACE, commit.hash .. ":" .. path),
  }, "\n"))
end

-- Without -B and -C, `git log` names a path once in a commit, as the old or the new name: a rename's old path is
-- gone afterwards and its new one was not there before. Two files that swap their names are two changed files.
-- So a commit means at most one command to a path, and their order does not matter.
local writers = {}

function writers.A(change, path, commit)
  write_command("AddFile", path, commit, { mode = change.mode, blob = change.blob })
  return 1
end

function writers.M(change, path, commit)
  write_command("ChangeFile", path, commit, { mode = change.mode, blob = change.blob })
  return 1
end

function writers.D(_, path, commit)
  write_command("DeleteFile", path, commit, {})
  return 1
end

function writers.R(change, path, commit)
  local from = path_text.encode(change.from)
  write_command("MoveFileAway", from, commit, { to = path })
  write_command("MoveFileHere", path, commit,
    { from = from, mode = change.mode, blob = change.blob, similarity = change.similarity })
  return 2
end

writers.T = writers.M -- a file became a symbolic link, say
writers.C = writers.A -- a copy is one more file

local function write_history(repository, head)
  local commits, commands, latest = 0, 0, nil
  for change, commit in git.history(repository, head) do
    if commit ~= latest then
      commits, latest = commits + 1, commit
      commit.author, commit.subject = readable(commit.author), readable(commit.subject)
    end
    local write = writers[change.status] or error("git log knows a change this importer does not: " .. change.status, 0)
    commands = commands + write(change, path_text.encode(change.path), commit)
  end
  return commits, commands
end

local function main(repository, commit)
  if not repository then
    io.stderr:write("usage: lua5.4 to_commands.lua REPOSITORY [COMMIT]\n")
    return 2
  end
  local head, problem = git.commit(repository, commit)
  if not head then
    say(repository, " ", problem)
    return 1
  end
  if git.is_shallow(repository) then say(repository, " is a shallow clone: its history begins where it was cut") end

  io.stdout:setvbuf("full", 65536)
  local done, commits, commands = pcall(write_history, repository, head)
  if not done then
    say(tostring(commits))
    return 1
  end
  io.stdout:flush()
  say(("%d commits that change files, %d commands"):format(commits, commands))
  return 0
end

os.exit(main(arg[1], arg[2]), true)
