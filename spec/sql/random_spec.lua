-- Everything at once, at random, for a while; then a checker that knows only the tables and the clients' notes looks
-- for violations. SECONDS and SEED_NUMBER choose how long and with which numbers; `make soak` runs it for long.
local checker = require "spec.support.sql_checker"
local consumer = require "spec.support.sql_consumer"
local dice = require "spec.support.sql_dice"
local new_world = require "spec.support.sql_world"
local registrar = require "spec.support.sql_registrar"
local append = require "spec.support.sql_appender"
local store = require "spec.support.sql_store"
local tasks = require "spec.support.sql_tasks"

local seconds = tonumber(os.getenv("SECONDS")) or 6
local first_seed = math.tointeger(os.getenv("SEED_NUMBER")) or os.time() % 1000000
local round_seconds = 20 -- longer runs are rounds with new stores

-- Waits until all is handled, and says so to the consumers.
local function drain(world, session)
  world.is_over = true
  repeat
    tasks.sleep(50)
    local left = session:value("SELECT count(*) FROM locks WHERE last_offset < \"offset\"")
  until left == 0
  world.is_drained = true
end

local function tasks_of(world, session, seed, duration)
  local bodies, number = {}, 0
  local function add(name, body, ...)
    number = number + 1
    local arguments = table.pack(world, ...)
    table.insert(arguments, dice(seed * 100 + number))
    bodies[("%s %02d"):format(name, number)] = function() body(table.unpack(arguments)) end
  end
  for _ = 1, 8 do add("appender", append) end
  for _, view in ipairs { "old", "old", "old", "late", "late", "beside" } do
    add("consumer", consumer.by_token, view)
  end
  add("consumer", consumer.as_original, "original")
  add("registrar", registrar.run)
  add("vandal", registrar.vandalise)
  bodies.clock = function()
    tasks.sleep(duration * 250)
    registrar.register(world, session, "late", nil)
    registrar.register(world, session, "beside", "-infinity", true)
    world.views = { "old", "late" }
    tasks.sleep(duration * 750)
    drain(world, session)
  end
  return bodies
end

local function run(world, here, seed, duration)
  local session = here:client()
  registrar.register(world, session, "old", "-infinity")
  registrar.register(world, session, "original", "-infinity")
  world.views = { "old" }
  tasks.run(tasks_of(world, session, seed, duration))
  return checker.verify(session, world.log)
end

local function summary(counts)
  local words = {}
  for what, n in pairs(counts) do words[#words + 1] = what .. " " .. n end
  table.sort(words)
  return table.concat(words, ", ")
end

describe("at random", function()
  local rounds = math.max(1, math.ceil(seconds / round_seconds))
  for round = 1, rounds do
    local seed = first_seed + round - 1
    it(("I1 to I8 hold (SEED_NUMBER=%d)"):format(seed), function()
      local here <close> = store.open()
      local world = new_world(here)
      local violations = run(world, here, seed, math.min(seconds, round_seconds))
      io.write(("\nSEED_NUMBER=%d: %s\n"):format(seed, summary(world.counts)))
      assert.same({}, violations)
      assert.is_true(world.counts.appended > 0 and world.counts.acks > 0)
    end)
  end
end)
