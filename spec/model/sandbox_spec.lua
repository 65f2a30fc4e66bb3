-- What a script can reach, and what it is told instead.
local fstore = require "fstore"
local shell = require "spec.examples.shell"

describe("a script", function()
  local folder

  before_each(function() folder = shell.folder() end)
  after_each(function() shell.remove(folder) end)

  local function write(name, text)
    local path = folder .. "/" .. name
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
    return path
  end

  -- A decider whose decide runs a line of Lua, at line 4 of its file.
  local function deciding(line)
    return assert(fstore.load(write("script.lua", ([[
      local fstore = require "fstore"
      return fstore.decider { name = "D", events = { Done = "done" }, initial_state = {}, evolve = {}, decide = {
        Do = function(command)
          %s
          return { { event = "Done", data = { x = x } } }
        end } }
    ]]):format(line))))
  end

  local function out_of_reach(line, pattern)
    local decider = deciding(line)
    local ok, message = pcall(decider.decide, decider, { command = "Do" }, {})
    assert.is_false(ok, line)
    assert.matches("script%.lua:4: .*" .. pattern, message)
  end

  it("has no clock, dice, files, processes or store, and is told what to do instead", function()
    out_of_reach("local x = os.time()", "os%.time is out of reach of a script: time comes with the command")
    out_of_reach("local x = os.date()", "time comes with the command")
    out_of_reach("local x = os.getenv('HOME')", "os%.getenv is out of reach .* comes with the command")
    out_of_reach("local x = math.random(6)", "math%.random is out of reach .*: dice")
    out_of_reach("math.randomseed(1)", "dice")
    out_of_reach("local x = io.open('f')", "io%.open is out of reach")
    out_of_reach("local x = require 'fstore'.uuid.v4()",
      "fstore%.uuid%.v4 is out of reach .*: ids come with the command")
    out_of_reach("local x = require 'fstore'.uuid.v7()", "ids come with the command")
    out_of_reach("require 'fstore'.connect('')", "fstore%.connect is out of reach .*: return events")
    out_of_reach("local x = require 'fstore.store'", "module fstore%.store is out of reach")
    out_of_reach("local x = require 'luv'", "module luv is neither beside the script nor a Lua file")
    out_of_reach("local x = load('return 1')", "load is out of reach")
    out_of_reach("local x = debug.getinfo(1)", "debug%.getinfo is out of reach")
  end)

  it("has no globals to write to, and changes no library", function()
    out_of_reach("counter = 1", "global counter = … is out of reach of a script: declare it local")
    out_of_reach("_G.counter = 1", "global counter")
    out_of_reach("string.shout = string.upper", "string%.shout = … changes what every script shares")
    out_of_reach("require 'fstore'.json.encode = nil", "fstore%.json%.encode = …")
  end)

  it("has the language and what is pure of the library", function()
    local decider = deciding [[
      local fstore = require "fstore"
      local x = table.concat({ string.rep("a", 2), ("b"):upper(), math.max(1, 2), utf8.char(233),
        #fstore.json.encode {}, fstore.uuid.v5("6ba7b812-9dad-11d1-80b4-00c04fd430c8", "x"):sub(15, 15),
        type(coroutine.wrap), select("#", 1, 2), tostring(pcall(error)), math.type(3) }, " ")]]
    assert.are.equal("aa B 2 é 2 5 function 2 false integer",
      decider:decide({ command = "Do" }, {})[1].data.x)
  end)

  it("prints to stderr: stdout is the program's", function()
    local path = write("script.lua", "print('hello', 1)\nreturn require 'fstore'.view { name = 'v', on = {} }")
    local code, output, messages = shell.run(shell.fstore .. " check " .. shell.quote(path))
    assert.are.equal(0, code)
    assert.are.equal("hello\t1\n", messages)
    assert.is_nil(output:find("hello"))
  end)

  it("requires its neighbours, which are guarded as well", function()
    write("words.lua", "return { done = 'Done', now = function() return os.time() end }")
    local decider = deciding "local x = require 'words'.done"
    assert.are.equal("Done", decider:decide({ command = "Do" }, {})[1].data.x)
    local ok, message = pcall(function() deciding "local x = require 'words'.now()":decide({ command = "Do" }, {}) end)
    assert.is_false(ok)
    assert.matches("words%.lua:1: os%.time is out of reach", message)
  end)

  it("finds its neighbours before modules of the same name elsewhere, and does not leave them behind", function()
    write("check.lua", "return 'mine'")
    local decider = deciding "local x = require 'check'"
    assert.are.equal("mine", decider:decide({ command = "Do" }, {})[1].data.x)
    assert.is_nil(package.loaded.check)
    assert.is_nil(package.path:find(folder, 1, true))
  end)

  it("that is wrong is an error with file and line", function()
    local function fails(text, pattern)
      local value, err = fstore.load(write("script.lua", text))
      assert.is_nil(value)
      assert.are.equal("script", err.kind)
      assert.matches(pattern, err.message)
    end
    fails("return {", "script%.lua:1: unexpected symbol near <eof>")
    fails("\nerror 'no'", "script%.lua:2: no")
    fails("return 1", "script%.lua: the script must return a decider, a view or a saga")
    fails("\nreturn require 'fstore'.decider { nam = 1 }", "script%.lua: fstore%.decider: unknown option \"nam\"")
    fails("local x = require 'nowhere'", "script%.lua:1: module nowhere is neither beside the script")
    write("loop.lua", "local x = require 'loop' return x")
    fails("return require 'loop'", "loop%.lua:1: module loop requires itself")
    assert.are.equal("script", select(2, fstore.load(folder .. "/missing.lua")).kind)
  end)
end)
