--- Actors that register views, replay them, and try to break the log.
local tasks = require "spec.support.sql_tasks"

local registrar = {}

-- How the locks of a view look in the transaction that registered it.
local function write_down(world, session, view)
  local locks = {}
  for _, lock in ipairs(session:query("SELECT decider_id, token, last_offset FROM locks WHERE view = $1", view)) do
    locks[lock.decider_id] = { token = lock.token, last_offset = lock.last_offset }
  end
  local start_at = session:value("SELECT start_at FROM views WHERE view = $1", view)
  session:query("COMMIT")
  table.insert(world.log.registrations, { view = view, start_at = start_at, locks = locks })
end

-- Beside running appends, as the library does it.
local function register_beside(world, session, view, start_at)
  assert(session:call("register_view", view, start_at, 1, nil, nil, false))
  local earlier = {}
  for _, row in ipairs(session:call("appends_in_flight")) do earlier[row.appends_in_flight] = true end
  while next(earlier) do
    local still = {}
    for _, row in ipairs(session:call("appends_in_flight")) do
      still[row.appends_in_flight] = earlier[row.appends_in_flight]
    end
    earlier = still
  end
  session:query("BEGIN")
  session:query("SELECT fill_view($1)", view)
  write_down(world, session, view)
end

-- In one statement, as a bare client does.
local function register_at_once(world, session, view, start_at)
  session:query("BEGIN")
  assert(session:call("register_view", view, start_at, 1))
  write_down(world, session, view)
end

--- Registers a view until it succeeds: it may meet a deadlock with appends to several partitions in one transaction.
---@param world spec.sql.World
---@param session spec.sql.Client
---@param view string
---@param start_at string?
---@param is_beside boolean? whether its locks are filled in beside the appends
function registrar.register(world, session, view, start_at, is_beside)
  local ok, err
  repeat
    ok, err = pcall(is_beside and register_beside or register_at_once, world, session, view, start_at)
    if not ok then
      session:query("ROLLBACK")
      world:refused(err)
    end
  until ok
  world:count "registered"
end

-- A replay from some moment of the recent past, or a registration that changes nothing.
local function register_again(world, session, view, dice)
  if dice:chance(30) then
    assert(session:call("register_view", view, nil, 1))
    return
  end
  local start_at = session:value("SELECT now() - make_interval(secs => $1)", dice:number(3000) / 1000)
  registrar.register(world, session, view, start_at)
end

--- Registers the views again from time to time.
---@param world spec.sql.World
---@param dice spec.sql.Dice
function registrar.run(world, dice)
  local session = world:client()
  while not world.is_over do
    tasks.sleep(200 + dice:number(600))
    register_again(world, session, dice:pick(world.views), dice)
  end
  session:close()
end

local crimes = {
  "UPDATE events SET data = '[]'", "DELETE FROM events", "TRUNCATE events", "TRUNCATE deciders CASCADE",
  "DELETE FROM deciders", "UPDATE deciders SET event = 'Unheard'",
}

--- Tries to change what cannot be changed.
---@param world spec.sql.World
---@param dice spec.sql.Dice
function registrar.vandalise(world, dice)
  local session = world:client()
  session:query("SET lock_timeout = '30ms'")
  while not world.is_over do
    tasks.sleep(300)
    local _, err = session:try(dice:pick(crimes))
    if err then world:refused(err) end
    world:count "vandalised"
  end
  session:close()
end

return registrar
