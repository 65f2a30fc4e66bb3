--- For specs of the host's workers: a store with a counter's events, its views, and the processes that serve them.
---
---   local store = workers.store(database.fresh())
---   store:add(1000)                                   -- through `fstore-lua handle`, over 100 partitions
---   local running = store:project("--workers", "2", workers.SUMS)
---   store:wait_until_done()
---   store:check()                                     -- the read model equals a fold of the log, doctor is content
local checker = require "spec.support.sql_checker"
local core = require "fstore.core"
local database = require "spec.support.database"
local host = require "spec.support.host"
local process = require "fstore.embedded.process"
local uv = require "luv"

local workers = {
  COUNTER = "spec/host/scripts/counter.lua",
  SUMS = "spec/host/scripts/sums.lua",
}

-- A view whose locks are still being filled in has nothing pending yet.
local DONE <const> = [[
  select view, v.is_filled and s.pending_events = 0 as is_done from view_status() as s join views as v using (view)]]

---@class spec.Workers
---@field db string conninfo
local Store = {}
Store.__index = Store

---@param db string conninfo
---@return spec.Workers
function workers.store(db)
  return setmetatable({ db = db }, Store)
end

---@param sql string
---@return string
function Store:query(sql)
  return database.query(self.db, "set search_path = fstore, public; " .. sql)
end

---@param count integer
---@param partitions integer? (default 100)
---@param text (fun(number: integer): string?)?
---@return string ndjson
function workers.commands(count, partitions, text)
  local lines = {}
  for number = 1, count do
    lines[number] = host.commands {
      decider_id = "c-" .. number % (partitions or 100), command = "Add",
      data = { n = number, text = text and text(number) },
    }
  end
  return table.concat(lines)
end

--- Appends numbers from 1 on.
function Store:add(...)
  local result = host.run({ "handle", workers.COUNTER }, { db = self.db, input = workers.commands(...) })
  assert(result.code == 0, result.err)
end

---@param ... string arguments of `fstore-lua project`
---@return spec.Running
function Store:project(...)
  return host.start({ "project", ... }, { db = self.db })
end

--- Waits until a query says "t".
---@param sql string
---@param what string
function Store:wait_for(sql, what)
  host.wait_for(function() return self:query(sql) == "t" end, what)
end

--- How many events are in the sums.
---@return integer
function Store:handled()
  return self:query "select to_regclass('sums') is not null" == "t"
    and math.tointeger(self:query "select coalesce(sum(count), 0) from sums") or 0
end

--- Waits until the sums have moved on.
---@param from integer? how many events were in them (default: none)
function Store:wait_for_progress(from)
  host.wait_for(function() return self:handled() > (from or 0) end, "progress")
end

--- Waits until nothing that is not parked is pending.
function Store:wait_until_done()
  self:wait_for("select count(*) > 0 and bool_and(is_done) from (" .. DONE .. ") as s", "the end of the work")
end

--- Waits until one view has handled all events; others may not.
function Store:wait_until_view_is_done(view)
  self:wait_for(("select is_done from (%s) as s where view = '%s'"):format(DONE, view), "the end of its work")
end

-- The independent checker reads the tables by itself.
local function check_streams(db)
  local connection <close> = assert(core.connect(db))
  assert(connection:exec "set search_path to fstore")
  local violations = checker.verify({ query = function(_, sql) return assert(connection:exec(sql)) end })
  assert(#violations == 0, table.concat(violations, "\n"))
end

--- The read model equals a fold of the log, the streams are whole, and the store is healthy.
function Store:check()
  check_streams(self.db)
  local fold = self:query [[
    select decider_id, sum((data->>'n')::int), count(*) from events where event = 'Added' group by 1 order by 1]]
  assert(fold == self:query "select id, sum, count from sums order by id", "the sums differ from the log")
  local doctor = host.run({ "doctor", "--older-than", "3600" }, { db = self.db })
  assert(doctor.code == 0, doctor.out .. doctor.err)
end

--- The worker processes of a supervisor that are alive.
---@param running spec.Running
---@return integer[] pids
function workers.pids(running)
  local pids = {}
  local file = io.open(("/proc/%d/task/%d/children"):format(running.pid, running.pid))
  for pid in (file and file:read("a") or ""):gmatch("%d+") do
    pids[#pids + 1] = process.is_alive(math.tointeger(pid)) and math.tointeger(pid) or nil
  end
  if file then
    file:close()
  end
  return pids
end

--- Kills one worker of a supervisor.
---@param running spec.Running
---@param index integer
function workers.kill(running, index)
  host.wait_for(function() return #workers.pids(running) >= index end, "the worker")
  uv.kill(workers.pids(running)[index], "sigkill")
end

--- Asks a supervisor to stop, and waits for it.
---@param running spec.Running
---@return spec.Result
function workers.stop(running)
  running:signal("sigterm")
  return running:wait()
end

return workers
