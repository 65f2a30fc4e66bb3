local embedded = require "fstore.embedded"
local files = require "fstore.embedded.files"
local server = require "spec.support.server"
local uv = require "luv"

describe("users of one folder", function()
  local dir

  before_each(function() dir = server.common_folder() end)
  after_each(server.sweep)

  it("that come at once, the first ones even, share one server", function()
    dir = server.folder() .. "/.fstore"
    local users = {}
    for i = 1, 5 do users[i] = server.start_user(dir) end
    local pids, started = {}, 0
    for _, user in ipairs(users) do
      user:hear()
      assert.equal("open", user.word[1], table.concat(user.word, " "))
      pids[user.status.server_pid] = true
      if user.word[2] == "true" then started = started + 1 end
    end
    local status = users[1].status
    assert.same({ [status.server_pid] = true }, pids)
    assert.equal(1, started)
    for _, user in ipairs(users) do user:leave() end
    assert.is_true(server.is_gone(status))
  end)

  it("may be killed: the server stays for the others, and goes with the last", function()
    local first, second = server.user(dir), server.user(dir)
    first:kill()
    assert.is_true(server.eventually(function() return embedded.status(dir).users == 1 end))
    assert.is_true(server.query(second.status.conninfo, "select"))
    second:kill()
    assert.is_true(server.is_gone(second.status))
  end)

  it("that come while the server stops find it started again", function()
    local handle = server.open(dir)
    for _ = 1, 8 do -- at all times from the last user's leave to the keeper's end
      handle:close()
      server.pause(math.random(190, 290))
      handle = server.open(dir)
      assert.same({ true, "1" }, { server.query(handle.conninfo, "select 1") })
    end
    local status = embedded.status(dir)
    handle:close()
    assert.is_true(server.is_gone(status))
  end)

  it("do not pass their open files on to it", function()
    local path = server.folder() .. "/open"
    local fd = assert(uv.fs_open(path, "w", 384))
    local user = server.user(dir, { passed_on = fd })
    uv.fs_close(fd)
    assert.equal(path, uv.fs_readlink(("/proc/%d/fd/5"):format(user.pid)))
    for _, pid in ipairs { user.status.keeper_pid, user.status.server_pid } do
      local links = ("/proc/%d/fd/"):format(pid)
      for _, name in ipairs(files.list(links)) do assert.not_equal(path, uv.fs_readlink(links .. name)) end
    end
    user:leave()
    assert.is_true(server.is_gone(user.status))
  end)

  it("do not get it stopped by Ctrl-C in the terminal of the one who started it", function()
    local first = server.user(dir)
    local second = server.user(dir)
    first:interrupt()
    assert.is_true(server.query(second.status.conninfo, "select"))
    second:leave()
    assert.is_true(server.is_gone(second.status))
  end)
end)

describe("embedded.stop", function()
  local dir

  before_each(function() dir = server.common_folder() end)
  after_each(server.sweep)

  it("ends a server that was kept", function()
    local handle, status = server.open(dir)
    assert.is_true(handle:keep())
    handle:close()
    server.pause(400)
    assert.same({ true, "1" }, { server.query(status.conninfo, "select 1") })
    assert.is_true(embedded.status(dir).kept)
    assert.is_true(embedded.stop(dir))
    assert.is_true(server.is_gone(status))
    assert.is_false(embedded.stop(dir))
  end)

  it("takes it from its users only by force", function()
    local user = server.user(dir)
    local stopped, err = embedded.stop(dir)
    assert.is_nil(stopped)
    assert.equal("embedded", err.kind)
    assert.equal(1, err.users)
    assert.is_true(server.query(user.status.conninfo, "select"))
    assert.is_true(embedded.stop(dir, { force = true }))
    assert.is_true(server.is_gone(user.status))
    user:leave()
  end)

  it("knows when there is nothing to stop", function()
    assert.is_false(embedded.stop(dir))
    assert.equal("stopped", embedded.status(dir).state)
    assert.is_false(embedded.stop("/nowhere"))
    assert.same({ state = "stopped" }, embedded.status("/nowhere"))
  end)
end)

describe("embedded.destroy", function()
  after_each(server.sweep)

  it("removes everything, and the next server is a new one", function()
    local dir = server.used_folder()
    local handle, status = server.open(dir)
    assert.is_nil(embedded.destroy(dir))
    handle:close()
    assert.is_true(embedded.destroy(dir))
    assert.is_true(server.is_gone(status))
    assert.is_nil(uv.fs_lstat(dir))
    assert.is_false(embedded.destroy(dir))
    handle = server.open(dir)
    assert.is_false(server.query(handle.conninfo, "select from t"))
    handle:close()
    assert.is_true(embedded.destroy(dir, { force = true }))
  end)

  it("leaves files that are not ours", function()
    local dir = server.used_folder()
    server.open(dir):close()
    assert(io.open(dir .. "/notes", "w")):close()
    assert.is_true(embedded.destroy(dir))
    assert.is_not_nil(uv.fs_lstat(dir .. "/notes"))
    assert.is_nil(uv.fs_lstat(dir .. "/data"))
  end)
end)
