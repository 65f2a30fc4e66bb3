-- The rock is built, packed, installed into an empty tree, and used there when the sources are gone.
local shell = require "spec.examples.shell"

local quote = shell.quote

describe("the packed rock", function()
  local folder, elsewhere, program

  -- Runs a command line in a folder below the spec's own; whatever it prints is shown when it fails.
  local function succeed(where, command_line)
    local code, output, messages = shell.run(("cd %s && %s"):format(quote(folder .. "/" .. where), command_line))
    assert(code == 0, ("%s\nexit code %d\n%s%s"):format(command_line, code, output, messages))
    return output
  end

  local function luarocks(where, arguments)
    return succeed(where, ("LUAROCKS_CONFIG=%s luarocks --lua-version 5.4 %s"):format(
      quote(folder .. "/luarocks.lua"), arguments))
  end

  lazy_setup(function()
    folder = shell.folder()
    elsewhere = folder .. "/an unrelated folder"
    program = folder .. "/tree/bin/fstore-lua"
    assert(os.execute(("cp -RL csrc lua sql rockspec .ci/luarocks.lua %s"):format(quote(folder))))
    assert(os.execute(("mkdir -p %s && cp examples/orders/*.lua examples/orders/*.ndjson %s"):format(
      quote(elsewhere), quote(elsewhere))))
    luarocks(".", "make --pack-binary-rock")
    luarocks(".", ("install --tree=%s fstore-scm-1.*.rock"):format(quote(folder .. "/tree")))
    succeed(".", "rm -r csrc lua sql rockspec")
  end)

  lazy_teardown(function()
    shell.run(("cd %s && %s --data-dir data db destroy --yes"):format(quote(elsewhere), quote(program)))
    shell.remove(folder)
  end)

  local function fstore(arguments)
    return succeed("an unrelated folder", quote(program) .. " --data-dir data " .. arguments)
  end

  it("writes a decider, a view and a saga whose specs pass", function()
    for _, kind in ipairs { "decider", "view", "saga" } do fstore(("new %s %s_of_things"):format(kind, kind)) end
    local lua = ("LUA_PATH_5_4=%s/tree/share/lua/5.4/?.lua';;' LUA_CPATH_5_4=%s/tree/lib/lua/5.4/?.so';;'"):format(
      quote(folder), quote(folder))
    assert.matches("7 successes", succeed("an unrelated folder", lua .. " lua5.4 /usr/bin/busted --pattern=_spec ."))
  end)

  it("brings a program that says its version", function()
    assert.matches("%d+%.%d+", fstore("--version"))
  end)

  it("stores events and projects them in an unrelated folder", function()
    fstore("init")
    fstore([[handle order.lua --id order-1 --command PlaceOrder --data '{"customer": "Ada"}']])
    fstore("project --once orders_by_status.lua")
    assert.are.equal("order-1 Ada open\n",
      fstore([[db psql -XAtq -F ' ' -c "SELECT number, customer, status FROM orders_by_status"]]))
  end)
end)
