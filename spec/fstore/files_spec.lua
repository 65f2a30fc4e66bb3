-- Files beside the Lua sources, found from any folder.
local files = require "fstore.files"

describe("files", function()
  it("finds the folder of the SQL files", function()
    assert.is_string(files.read(files.sql_dir() .. "/install.sql"))
  end)

  it("reads bytes as they are", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "wb"))
    local bytes = "\0\r\n\xff" .. ("x"):rep(100000)
    file:write(bytes)
    file:flush()
    assert.equal(bytes, files.read(path))
    os.remove(path)
  end)

  it("says why a file cannot be read", function()
    assert.same({ nil, "/nowhere: No such file or directory" }, { files.read("/nowhere") })
    assert.same({ nil, "/: Is a directory" }, { files.read("/") })
  end)
end)
