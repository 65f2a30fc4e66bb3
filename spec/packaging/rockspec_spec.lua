-- The rockspec names files one by one: here its lists are compared with the folders.

local function rockspec()
  local values = {}
  assert(loadfile("rockspec/fstore-scm-1.rockspec", "t", values))()
  return values
end

local function files(folder, pattern)
  local pipe <close> = assert(io.popen(("find %s -name '%s' | sort"):format(folder, pattern)))
  local paths = {}
  for path in pipe:lines() do paths[path] = true end
  return paths
end

-- The members of one set that the other lacks, as the lines to write or to remove.
local function without(set, other, line)
  local lines = {}
  for path in pairs(set) do
    if not other[path] then lines[#lines + 1] = line(path) end
  end
  table.sort(lines)
  return lines
end

local function assert_same_files(expected, listed, line)
  assert.are.same({ missing = {}, surplus = {} },
    { missing = without(expected, listed, line), surplus = without(listed, expected, line) })
end

describe("the rockspec", function()
  local build = rockspec().build

  it("compiles every C source", function()
    local listed = {}
    for _, path in ipairs(build.modules["fstore.core"].sources) do listed[path] = true end
    assert_same_files(files("csrc", "*.c"), listed, function(path) return ('"%s",'):format(path) end)
  end)

  it("installs every SQL file beside the Lua modules", function()
    local function name_of(path)
      return "fstore." .. path:gsub("%.sql$", ""):gsub("/", ".")
    end
    local listed = {}
    for name, path in pairs(build.install.lua) do
      assert.are.equal(name_of(path), name)
      listed[path] = true
    end
    assert_same_files(files("sql", "*.sql"), listed, function(path)
      return ('["%s"] = "%s",'):format(name_of(path), path)
    end)
  end)
end)
