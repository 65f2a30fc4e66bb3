local embedded = require "fstore.embedded"
local files = require "fstore.embedded.files"
local place = require "fstore.embedded.place"
local process = require "fstore.embedded.process"
local server = require "spec.support.server"
local uv = require "luv"

local nobody = { uid = 65534, gid = 65534 }

local function uid_of(pid) return assert(uv.fs_stat("/proc/" .. pid)).uid end

if uv.getuid() ~= 0 then
  describe("the embedded server of root", function() pending("only root can try") end)
  return
end

describe("the embedded server of root", function()
  after_each(server.sweep)

  it("runs as an unprivileged user, its keeper as root", function()
    local handle <close>, status = server.open(server.common_folder())
    assert.not_equal(0, uid_of(status.server_pid))
    assert.equal(0, uid_of(status.keeper_pid))
    handle:close()
    assert.is_true(server.is_gone(status))
  end)

  it("keeps its data outside a folder that only root can enter, whose mode stays", function()
    local parent = server.folder()
    uv.fs_chmod(parent, 448) -- 0700
    local dir = parent .. "/.fstore"
    for _ = 1, 2 do
      local handle <close>, status = server.open(dir)
      assert.is_true(server.query(handle.conninfo, "create table if not exists t ()"))
      handle:close()
      assert.is_true(server.is_gone(status))
    end
    assert.equal(448, uv.fs_stat(parent).mode & 511)
    local home = files.parent(uv.fs_readlink(dir .. "/data"))
    assert.matches("^/var/lib/fstore%-lua/%x+$", home)
    assert.is_true(embedded.destroy(dir))
    assert.is_nil(uv.fs_lstat(home))
    assert.is_nil(uv.fs_lstat(dir))
  end)

  it("serves a folder that belongs to an ordinary user as that user", function()
    local dir = server.folder()
    uv.fs_chown(dir, nobody.uid, nobody.gid)
    local handle <close>, status = server.open(dir)
    assert.same({ true, "1" }, { server.query(handle.conninfo, "select 1") })
    assert.equal(nobody.uid, uid_of(status.keeper_pid))
    assert.equal(nobody.uid, uid_of(status.server_pid))
    for _, name in ipairs { "keeper.lock", "postgres.log", "data" } do
      assert.equal(nobody.uid, uv.fs_stat(dir .. "/" .. name).uid, name)
    end
    handle:close()
    assert.is_true(server.is_gone(status))
  end)

  it("does not take a socket folder that somebody else made", function()
    local dir = server.common_folder()
    local runtime = assert(place.find(dir)).runtime
    for _, prepare in ipairs {
      function() uv.fs_mkdir(runtime, 448) uv.fs_chown(runtime, nobody.uid, nobody.gid) end,
      function() uv.fs_mkdir(runtime, 511) uv.fs_chmod(runtime, 511) end,
      function() uv.fs_symlink(server.folder(), runtime) end,
    } do
      prepare()
      local handle, err = embedded.open(dir)
      assert.is_nil(handle)
      assert.matches("not ours", tostring(err))
      files.remove(runtime)
    end
  end)
end)

describe("the embedded server of an ordinary user", function()
  local options

  -- The user may not be able to read the sources where they are.
  setup(function()
    local copy = server.lasting_folder()
    assert.equal(0, process.run { "cp", "-r", "lua", "spec", copy })
    assert.equal(0, process.run { "chmod", "-R", "a+rX", copy })
    options = { identity = nobody, lua = copy .. "/lua" }
  end)

  after_each(server.sweep)

  it("runs as that user", function()
    local parent = server.folder()
    uv.fs_chown(parent, nobody.uid, nobody.gid)
    local user = server.user(parent .. "/.fstore", options)
    assert.equal(nobody.uid, uid_of(user.status.server_pid))
    assert.equal(448, uv.fs_stat(parent .. "/.fstore").mode & 511)
    local second = server.user(parent .. "/.fstore", options)
    user:kill()
    second:leave()
    assert.is_true(server.is_gone(second.status))
  end)

  it("is not that of another user's folder", function()
    local user = server.start_user(server.common_folder(), options):hear()
    assert.equal("failed", user.word[1])
    assert.matches("belongs to another user", user.word[3])
    user:leave()
  end)

  it("is not made where the user may not write", function()
    local user = server.start_user(server.folder() .. "/.fstore", options):hear()
    assert.equal("failed", user.word[1])
    assert.matches("cannot create .*: permission denied", user.word[3])
    user:leave()
  end)
end)
