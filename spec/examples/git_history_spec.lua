-- The git example: its parts without a database, then whole imports through the host.
local fstore = require "fstore"
local shell = require "spec.examples.shell"
local Repository = require "spec.examples.repository"
local database = require "spec.support.database"
local put, link, remove, move = Repository.put, Repository.link, Repository.remove, Repository.move

local FOLDER = "examples/git_history/"
local git = assert(loadfile(FOLDER .. "git.lua"))()
local path_text = assert(loadfile(FOLDER .. "path_text.lua"))()

local function to_commands(repository)
  return shell.run("lua5.4 " .. FOLDER .. "to_commands.lua " .. shell.quote(repository))
end

-- A repository with all that a history may hold.
local function make_difficult_repository(folder)
  local repository = Repository.new(folder)
  local first = { author = "J\xf6rg", message = "caf\xe9 \"and\" \\ more\n\nbody" }
  for index, path in ipairs(Repository.names) do first[index] = put(path, ("file %d\n"):format(index):rep(9)) end
  repository:commit(first)
  repository:commit { message = "nothing changes" }
  repository:commit { message = "",
    put("one", "1\n"), put("two", "2\n"), put("both/a", "a\n"), put("run.sh", "#!/bin/sh\n"),
    put("twin 1", "the same\n"), put("twin 2", "the same\n") }
  repository:commit { message = "two files swap their names",
    put("one", "2\n"), put("two", "1\n"), move("line\nbreak", "line\n\nbreak"), move("\xff\xfe", "100% \xfe\xff") }
  repository:commit { message = "a folder becomes a file, a file becomes a folder",
    remove("both/a"), put("both", "now a file\n"), remove("#"), put("#/inside", "now a folder\n") }
  repository:commit { message = "modes and types",
    put("run.sh", "#!/bin/sh\n", "100755"), put("one", "two", "120000"), put("link", "plain.txt", "120000") }
  local fork = repository:commit { message = "a submodule",
    link("sub module", ("12"):rep(20)), put(".gitmodules", '[submodule "sub module"]\n\tpath = sub module\n' ..
    '\turl = ./x\n\tignore = all\n') }
  repository:commit { link("sub module", ("34"):rep(20)) }
  local main = repository:commit { message = "one of the twins moves, the other goes",
    move("twin 1", "elsewhere/twin"), remove("twin 2"), remove("plain.txt") }
  local side = repository:commit { branch = "side", from = fork, put("from the side", "side\n"), remove("~") }
  side = repository:commit { branch = "side", from = side, move("with space", "moved on the side") }
  repository:commit { message = "merge", from = main, merge = side,
    put("from the side", "side\n"), remove("~"), move("with space", "moved on the side"), put("by the merge", "x\n") }
  repository:commit { message = "what was gone comes back", put("plain.txt", "again\n"), put("~", "home\n") }
  return repository:finish()
end

-- Folds all commands without a store, as a host would.
local function tree_of(commands)
  local file = assert(loadfile(FOLDER .. "file.lua"))()
  local states, tree = {}, {}
  for line in commands:gmatch("[^\n]+") do
    local command = assert(fstore.json.decode(line))
    local state = states[command.decider_id] or file:initial()
    for _, event in ipairs(assert(file:decide(command, state))) do state = file:evolve(state, event) end
    states[command.decider_id] = state
  end
  for path, state in pairs(states) do
    if state.blob then tree[path_text.decode(path)] = state.mode .. " " .. state.blob end
  end
  return tree
end

describe("a path as text", function()
  it("is valid UTF-8 and gives the bytes back", function()
    for _, path in ipairs(Repository.names) do
      local text = path_text.encode(path)
      assert.is_truthy(utf8.len(text))
      assert.is_nil(text:find("%c"))
      assert.are.equal(path, path_text.decode(text))
    end
  end)

  it("stays readable", function()
    assert.are.equal("src/é 日本.lua", path_text.encode("src/é 日本.lua"))
    assert.are.equal("caf%E9 100%25%0A", path_text.encode("caf\xe9 100%\n"))
  end)

  it("is never a UUID", function()
    assert.are.equal("%3123e4567-e89b-12d3-a456-426614174000", "%3" .. "123e4567-e89b-12d3-a456-426614174000")
    assert.is_false(fstore.uuid.is_uuid(path_text.encode("123e4567-e89b-12d3-a456-426614174000")))
    assert.are_not.equal(path_text.encode("abcdefab-e89b-12d3-a456-426614174000"),
      path_text.encode("ABCDEFAB-e89b-12d3-a456-426614174000"))
  end)

  it("holds every byte", function()
    local bytes = {}
    for byte = 1, 255 do bytes[#bytes + 1] = string.char(byte) end
    local path = table.concat(bytes)
    assert.are.equal(path, path_text.decode(path_text.encode(path)))
  end)
end)

describe("a file", function()
  local file = assert(loadfile(FOLDER .. "file.lua"))()

  local function decide(command, state, commit)
    local data = { path = "a", commit = commit or "c2", mode = "100644", blob = "b" }
    return file:decide({ command = command, data = data }, state)
  end

  local there = { path = "a", mode = "100644", blob = "b", commits = { c1 = true } }
  local gone = { path = "a", commits = { c1 = true } }

  it("is added when it is not there, at first or again", function()
    assert.are.equal("FileAdded", decide("AddFile", file:initial())[1].event)
    assert.are.equal("FileMovedHere", decide("MoveFileHere", gone)[1].event)
    assert.matches("there already", select(2, decide("AddFile", there)))
  end)

  it("changes and goes when it is there", function()
    assert.are.equal("FileChanged", decide("ChangeFile", there)[1].event)
    assert.are.equal("FileMovedAway", decide("MoveFileAway", there)[1].event)
    assert.matches("not there", select(2, decide("DeleteFile", gone)))
  end)

  it("hears nothing new from a commit it knows", function()
    for _, command in ipairs(file:commands()) do
      assert.are.same({}, decide(command, there, "c1"))
      assert.are.same({}, decide(command, gone, "c1"))
    end
  end)

  it("refuses a command without a path or a commit", function()
    assert.is_nil((file:decide({ command = "AddFile", data = {} }, file:initial())))
  end)
end)

describe("the converter", function()
  local folder, repository, commands

  -- All commands of the difficult repository, one by one.
  local function each_command()
    local next_line = commands:gmatch("[^\n]+")
    return function()
      local line = next_line()
      return line and assert(fstore.json.decode(line))
    end
  end

  lazy_setup(function()
    folder = shell.folder()
    repository = make_difficult_repository(folder .. "/re 'po'")
    local code, messages
    code, commands, messages = to_commands(repository)
    assert(code == 0, messages)
  end)

  lazy_teardown(function() shell.remove(folder) end)

  it("quotes any word for the shell", function()
    local words = {}
    for index, word in ipairs(Repository.names) do words[index] = git.sh_quote(word) end
    local _, output = shell.run("printf '%s\\0' " .. table.concat(words, " "))
    assert.are.equal(table.concat(Repository.names, "\0") .. "\0", output)
  end)

  it("gives the commands of which the tree is the fold", function()
    assert.are.same(git.tree(repository, "HEAD"), tree_of(commands))
    local names = {}
    for command in each_command() do names[command.command] = true end
    assert.are.same({ AddFile = true, ChangeFile = true, DeleteFile = true, MoveFileAway = true, MoveFileHere = true },
      names)
  end)

  it("names a path once in a commit, under ids that differ", function()
    local changes, ids = {}, {}
    for command in each_command() do
      local change = command.data.commit .. " " .. command.decider_id
      assert.is_nil(changes[change] or ids[command.command_id], change)
      changes[change], ids[command.command_id] = true, true
    end
  end)

  it("tells both sides of a rename, and replaces what is no text", function()
    local data = {}
    for command in each_command() do data[command.command .. " " .. command.decider_id] = command.data end
    assert.are.equal("line%0A%0Abreak", data["MoveFileAway line%0Abreak"].to)
    assert.are.equal("line%0Abreak", data["MoveFileHere line%0A%0Abreak"].from)
    assert.are.equal("J\u{FFFD}rg", data["AddFile -dash"].author)
    assert.are.equal('caf\u{FFFD} "and" \\ more', data["AddFile -dash"].subject)
  end)

  it("does so whatever the user's git configuration says", function()
    for name, value in pairs {
      ["diff.renames"] = "copies", ["diff.ignoreSubmodules"] = "all", ["diff.relative"] = "true",
      ["log.diffMerges"] = "combined", ["log.showRoot"] = "false", ["log.showSignature"] = "true",
      ["log.date"] = "relative", ["core.abbrev"] = "4", ["color.ui"] = "always", ["diff.noprefix"] = "true",
    } do
      shell.append(repository .. "/.git/config",
        ("[%s]\n\t%s = %s\n"):format(name:match("^%l+"), name:match("%a+$"), value))
    end
    local _, configured = to_commands(repository)
    assert.is_true(commands == configured)
  end)

  it("follows a random history", function()
    local random = Repository.new(folder .. "/random"):grow(150, 12, 42):finish()
    local code, output = to_commands(random)
    assert.are.equal(0, code)
    assert.are.same(git.tree(random, "HEAD"), tree_of(output))
  end)

  it("says what is wrong with a repository", function()
    for _, case in ipairs {
      { "mkdir x", "x is not a git repository" },
      { "git init -q x", "x has no commits yet" },
    } do
      local code, output, messages = shell.run(("cd %s && rm -rf x && %s && lua5.4 $OLDPWD/%sto_commands.lua x"):format(
        shell.quote(folder), case[1], FOLDER))
      assert.are.equal(1, code)
      assert.are.equal("", output)
      assert.matches(case[2], messages, 1, true)
    end
    assert.are.equal(2, (shell.run("lua5.4 " .. FOLDER .. "to_commands.lua")))
  end)

  it("converts a shallow clone from its cut, and says so", function()
    local whole = Repository.new(folder .. "/whole"):grow(20, 5):finish()
    local cut = folder .. "/cut"
    assert(os.execute(("git clone -q --depth 3 file://%s %s"):format(whole, cut)))
    local code, output, messages = to_commands(cut)
    assert.are.equal(0, code)
    assert.matches("shallow", messages)
    assert.are.same(git.tree(whole, "HEAD"), tree_of(output))
  end)

  it("reads a bare repository, and a part of a history", function()
    local code, output = shell.run(("lua5.4 %sto_commands.lua %s HEAD~5"):format(FOLDER,
      shell.quote(repository .. "/.git")))
    assert.are.equal(0, code)
    assert.are.same(git.tree(repository, "HEAD~5"), tree_of(output))
  end)
end)

describe("the git example", function()
  local folder, repository, conninfo, options

  lazy_setup(function()
    folder = shell.folder()
    repository = make_difficult_repository(folder .. "/re 'po'")
    conninfo = database.fresh { empty = true }
    options = (" --db %s --schema history"):format(shell.quote(conninfo))
  end)

  lazy_teardown(function()
    database.drop(conninfo)
    shell.remove(folder)
  end)

  local function import(source)
    return shell.run(FOLDER .. "run.sh " .. shell.quote(source or repository) .. options)
  end

  local function count_events()
    return tonumber(database.query(conninfo, "select count(*) from history.events"))
  end

  local function success()
    local files = 0
    for _ in pairs(git.tree(repository, "HEAD")) do files = files + 1 end
    return ("the tree equals git ls-tree: %d files\n"):format(files)
  end

  it("imports a history whose projection is the tree of git", function()
    local code, output, messages = import()
    assert.are.equal(0, code, messages)
    assert.are.equal(success(), output)
  end)

  it("imports only what is new when it runs again", function()
    local before = count_events()
    assert.are.equal(0, (import()))
    assert.are.equal(before, count_events())

    assert(os.execute("cd " .. shell.quote(repository) .. [[ && git reset -q --hard && echo new > new &&
      git add new && git rm -q --cached "sub module" && git -c user.name=x -c user.email=x commit -qm "one more"]]))
    local code, output = import()
    assert.are.equal(0, code)
    assert.are.equal(success(), output)
    assert.are.equal(before + 2, count_events())
  end)

  it("does not take another history for the same", function()
    local other = Repository.new(folder .. "/other")
    other:commit { message = "another beginning", put("new", "other\n") }
    local before = count_events()
    local code, output, messages = import(other:finish())
    assert.are.equal(1, code)
    assert.are.equal("", output)
    assert.matches("another history", messages)
    assert.are.equal(before, count_events())
  end)

  it("shows where the trees differ", function()
    local code, output, messages = shell.run(("lua5.4 %scheck.lua %s HEAD~1"):format(FOLDER,
      shell.quote(repository)) .. options)
    assert.are.equal(1, code, messages)
    assert.matches("only in the projection: new\n", output)
    assert.matches("only in git: +sub module\n", output)
  end)
end)
