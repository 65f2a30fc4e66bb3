local embedded = require "fstore.embedded"
local files = require "fstore.embedded.files"
local place = require "fstore.embedded.place"
local server = require "spec.support.server"
local uv = require "luv"

local function mode_of(path) return ("%o"):format(assert(uv.fs_stat(path)).mode & 511) end

-- A folder with server programs of which only `postgres --version` works.
local function fake_programs(version)
  local dir = server.folder()
  for _, name in ipairs { "initdb", "postgres" } do
    local file <close> = assert(io.open(dir .. "/" .. name, "w"))
    file:write("#!/bin/sh\necho 'postgres (PostgreSQL) " .. version .. "'\n")
    uv.fs_chmod(dir .. "/" .. name, 493)
  end
  return dir
end

describe("embedded.open", function()
  after_each(server.sweep)

  it("makes a folder and a database, and leaves nothing running", function()
    local dir = server.folder() .. "/a/.fstore"
    local handle, status = server.open(dir)
    assert.is_true(handle.started)
    assert.same({ true, "fstore|fstore" }, { server.query(handle.conninfo, "select current_database(), current_user") })
    assert.same({ true, "fstore" }, { server.query(handle.url, "select current_database()") })
    handle:close()
    assert.is_true(server.is_gone(status))
    assert.equal("stopped", embedded.status(dir).state)
  end)

  it("finds the data again", function()
    local dir = server.folder() .. "/.fstore"
    do
      local handle <close>, status = server.open(dir)
      assert.is_true(server.query(handle.conninfo, "create table t as select 42 as n"))
      handle:close()
      assert.is_true(server.is_gone(status))
    end
    local handle <close> = server.open(dir)
    assert.is_true(handle.started)
    assert.same({ true, "42" }, { server.query(handle.conninfo, "select n from t") })
  end)

  it("shares a running server, until the last handle is closed", function()
    local dir = server.common_folder()
    local first, status = server.open(dir)
    local second = server.open(dir)
    assert.is_false(second.started)
    assert.equal(2, embedded.status(dir).users)
    first:close()
    first:close()
    assert.is_true(server.eventually(function() return embedded.status(dir).users == 1 end))
    assert.is_true(server.query(second.conninfo, "select"))
    second:close()
    assert.is_true(server.is_gone(status))
  end)

  it("gives the server back when the handle is collected", function()
    local dir = server.common_folder()
    local handle, status = server.open(dir)
    assert.is_not_nil(handle)
    handle = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_true(server.is_gone(status))
  end)

  it("listens on a Unix socket alone, that others cannot reach", function()
    local dir = server.common_folder()
    local handle <close> = server.open(dir)
    local found = place.find(dir)
    local private = uv.getuid() == 0 and "711" or "700" -- for root, the server is another user who has to pass
    assert.equal(private, mode_of(dir))
    assert.equal(private, mode_of(found.runtime))
    assert.equal("700", mode_of(found.sockets))
    assert.equal("700", mode_of(found.sockets .. "/.s.PGSQL.5432"))
    assert.equal("700", mode_of(dir .. "/data"))
    assert.equal("600", mode_of(dir .. "/postgres.log"))
    assert.same({ true, "" }, { server.query(handle.conninfo, "show listen_addresses") })
  end)

  it("is durable unless told otherwise", function()
    local handle <close> = assert(embedded.open(server.used_folder()))
    assert.same({ true, "on on on" }, { server.query(handle.conninfo, [[
      select concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'),
                       current_setting('full_page_writes'))]]) })
  end)

  it("copes with long paths, spaces and quotes", function()
    local name = ("long "):rep(30) .. "it's a \"folder\" $HOME; 100% `x`\\ ü\ttab\nline"
    local handle <close>, status = server.open(server.folder() .. "/" .. name)
    assert.same({ true, "1" }, { server.query(handle.conninfo, "select 1") })
    handle:close()
    assert.is_true(server.is_gone(status))
  end)

  it("takes a path through a symbolic link for the same folder", function()
    local dir = server.folder()
    uv.fs_symlink(dir .. "/real", dir .. "/link")
    local handle <close> = server.open(dir .. "/real")
    local linked <close> = server.open(dir .. "/link")
    assert.is_false(linked.started)
    assert.equal(handle.conninfo, linked.conninfo)
  end)

  it("keeps out of version control", function()
    local dir = server.folder() .. "/.fstore"
    server.open(dir):close()
    assert.equal("*\n", files.read(dir .. "/.gitignore"))
  end)

  it("raises callers' mistakes", function()
    assert.error_matches(function() embedded.open("x", { sharp = true }) end, "unknown option \"sharp\"")
    assert.error_matches(function() embedded.open(3) end, "string")
  end)

  describe("fails with an error when", function()
    local function fails(kind, pattern, ...)
      local handle, err = embedded.open(...)
      assert.is_nil(handle)
      assert.equal(kind, err.kind)
      assert.matches(pattern, tostring(err))
      assert.equal("stopped", embedded.status((...)).state)
    end

    it("there is no server", function()
      fails("no_server", "postgresql.*%-%-db", server.folder() .. "/.fstore", { bindir = "/nowhere" })
    end)

    it("the server is too old", function()
      fails("no_server", "PostgreSQL 9 is too old", server.folder() .. "/.fstore", { bindir = fake_programs("9.6") })
    end)

    it("the data are of another version", function()
      local dir = server.used_folder()
      local handle, status = server.open(dir)
      handle:close()
      assert.is_true(server.is_gone(status))
      fails("embedded", "written by PostgreSQL 1%d.*only PostgreSQL 77.*install PostgreSQL 1%d", dir,
        { bindir = fake_programs("77.1") })
    end)

    it("initdb fails", function()
      local programs = fake_programs("15.1")
      local file <close> = assert(io.open(programs .. "/initdb", "w"))
      file:write("#!/bin/sh\necho 'initdb: error: could not write: No space left on device' >&2\nexit 1\n")
      file:close()
      local dir = server.folder() .. "/.fstore"
      fails("embedded", "initdb failed: could not write: No space left", dir, { bindir = programs })
      assert.is_nil(uv.fs_lstat(dir .. "/data"))
    end)

    it("the server does not start", function()
      local dir = server.used_folder()
      fails("embedded", "did not start: .*no_such_setting.*postgres.log", dir, { settings = { no_such_setting = 1 } })
      local handle <close> = server.open(dir)
      assert.is_true(handle.started)
    end)

    it("the folder holds other things", function()
      local dir = server.folder()
      local file <close> = assert(io.open(dir .. "/letter", "w"))
      fails("embedded", "other files", dir)
      fails("embedded", "not a folder", dir .. "/letter")
      assert.is_not_nil(file)
    end)

    it("the folder cannot be made", function()
      fails("embedded", "cannot create /proc/fstore", "/proc/fstore")
    end)

    it("the data folder is none", function()
      local dir = server.folder() .. "/.fstore"
      assert(place.create(dir))
      uv.fs_mkdir(dir .. "/data", 448)
      fails("embedded", "not a PostgreSQL data folder", dir)
    end)
  end)
end)
