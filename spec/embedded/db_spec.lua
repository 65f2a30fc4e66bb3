local argparse = require "argparse"
local db = require "fstore.host.commands.db"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

local function run(dir, ...)
  local out, said = {}, {}
  local parser = argparse("db")
  db.add_to_parser(parser)
  local code = db.run({
    data_dir = dir,
    schema = "my store",
    out = function(line) out[#out + 1] = line end,
    say = function(line) said[#said + 1] = line end,
  }, parser:parse { ... })
  return code, table.concat(out, "\n"), table.concat(said, "\n")
end

-- psql and the terminal's questions use our own descriptors, so they run in a process.
local function run_alone(dir, ...)
  return process.run({
    "sh", "-c", 'exec build/bin/fstore-lua --data-dir "$@" 2>/dev/null', "sh", dir, "--schema", "my store", "db", ...
  }, { input = "" })
end

describe("fstore-lua db", function()
  local dir

  before_each(function() dir = server.common_folder() end)
  after_each(server.sweep)

  it("starts and stops a server", function()
    assert.equal(4, run(dir, "status"))
    local code, url = run(dir, "start")
    assert.equal(0, code)
    assert.same({ true, "42" }, { server.query(url, "select n from t") })
    local out
    code, out = run(dir, "status")
    assert.equal(0, code)
    assert.matches("running.*kept", out)
    assert.equal(0, run(dir, "stop"))
    code, out = run(dir, "status")
    assert.equal(4, code)
    assert.matches("stopped", out)
    assert.equal(0, run(dir, "stop"))
  end)

  it("stops a server that is used only with --force", function()
    local user = server.user(dir)
    local code, _, said = run(dir, "stop")
    assert.equal(3, code)
    assert.matches("1 other\n.*--force", said)
    assert.equal(3, run(dir, "destroy", "--yes"))
    assert.equal(0, run(dir, "stop", "--force"))
    assert.is_true(server.is_gone(user.status))
    user:leave()
  end)

  it("destroys only when it is meant", function()
    dir = server.used_folder()
    local code = run_alone(dir, "destroy")
    assert.equal(2, code)
    assert.is_not_nil(uv.fs_stat(dir .. "/data"))
    assert.equal(0, run(dir, "destroy", "--yes"))
    assert.is_nil(uv.fs_lstat(dir))
    assert.equal(0, run(dir, "destroy", "--yes"))
  end)

  it("runs psql with the schema in search_path, and hands its exit code on", function()
    local code, out = run_alone(dir, "psql", "-X", "-A", "-t", "-c", "show search_path")
    assert.same({ 0, '"my store",public\n' }, { code, out })
    assert.equal(1, (run_alone(dir, "psql", "-X", "-c", "select from nowhere")))
  end)

  it("says what is wrong", function()
    local code, _, said = run("/proc/fstore", "start")
    assert.equal(4, code)
    assert.matches("cannot create /proc/fstore", said)
  end)
end)
