--- What the specs of push share: a store with a decider, events to push, and the program that pushes them.
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"

local fixture = {}

---@class spec.push.Fixture
---@field db string conninfo
---@field conn fstore.Connection
---@field package started string views see nothing from before
local Fixture = {}
Fixture.__index = Fixture

local db

-- One database for all specs of a file.
local function conninfo()
  if not db then
    db = database.fresh()
    local conn <close> = assert(core.connect(db))
    assert(conn:register_decider_event("Order", "Placed", "for the specs"))
  end
  return db
end

--- A store without views.
---@return spec.push.Fixture
function fixture.open()
  local self = setmetatable({ db = conninfo(), running = {} }, Fixture)
  self.conn = assert(core.connect(self.db))
  self.started = self.conn:exec("SELECT clock_timestamp() AS t")[1].t
  return self
end

--- Ends what is still running, and unregisters the views.
function Fixture:close()
  for _, running in ipairs(self.running) do
    if not running.code then
      running:signal("sigkill")
      running:wait()
    end
  end
  assert(self.conn:exec("DELETE FROM fstore.views"))
  self.conn:close()
end

--- Registers a view that sees all events since `open`.
---@param url string
---@param more table? fields of the registration
function Fixture:register(url, more)
  local view = { view = "orders", start_at = self.started, edge_function_url = url, pooling_delay_s = 1 }
  for key, value in pairs(more or {}) do
    view[key] = value
  end
  assert(self.conn:register_view(view))
end

--- Appends `count` events, numbered in data.n, to a new stream.
---@param count integer?
---@return string decider_id
function Fixture:append(count)
  local decider_id, items = core.uuid.v4(), {}
  for n = 1, count or 1 do
    items[n] = {
      event = "Placed", decider = "Order", decider_id = decider_id, data = { n = n }, command_id = core.uuid.v4(),
    }
  end
  assert(self.conn:append_events(items))
  return decider_id
end

---@param count integer partitions
---@param events integer? of each
---@return string[] decider_ids
function Fixture:append_many(count, events)
  local ids = {}
  for index = 1, count do
    ids[index] = self:append(events)
  end
  return ids
end

--- Starts `fstore-lua push`.
---@param arguments string[]?
---@param env table<string, string>?
---@return spec.Running
function Fixture:push(arguments, env)
  local all = { no_proxy = "*" }
  for name, value in pairs(env or {}) do
    all[name] = value
  end
  arguments = arguments or {}
  local running = host.start(table.move(arguments, 1, #arguments, 2, { "push" }), { db = self.db, env = all })
  self.running[#self.running + 1] = running
  return running
end

---@param view string?
---@return integer pending partitions
function Fixture:pending(view)
  return assert(self.conn:exec([[
    SELECT count(*) AS n FROM fstore.locks WHERE view = $1 AND last_offset < "offset"]], view or "orders"))[1].n
end

--- Waits until all is acked.
---@param view string?
function Fixture:wait_until_done(view)
  host.wait_for(function() return self:pending(view) == 0 end, "all to be pushed")
end

---@param decider_id string
---@return table lock
function Fixture:lock(decider_id)
  return assert(self.conn:exec([[
    SELECT *, locked_until > now() AS is_held, extract(epoch FROM locked_until - now())::float8 AS held_s
    FROM fstore.locks WHERE decider_id = $1]], decider_id))[1]
end

return fixture
