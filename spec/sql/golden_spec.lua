local golden = require "spec.support.sql_golden"
local store = require "spec.support.sql_store"

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

describe("the installed schema", function()
  it("is the one checked in (`make golden` writes it anew)", function()
    local here <close> = store.open_ours()
    local file <close> = assert(io.open(golden.dump))
    local expected = lines_of(file:read("a"))
    if expected[1] ~= golden.first_line(here) then pending("the dump is of another version: " .. expected[1]) end
    local found = lines_of(golden.read_dump(here))
    for i = 1, math.max(#expected, #found) do
      assert.equal(expected[i], found[i], ("%s, line %d"):format(golden.dump, i))
    end
  end)
end)
