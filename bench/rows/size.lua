--- Bytes on disk and bytes of WAL per event, with one view, in streams of ten; EVENTS=… says how many.
local events = require "bench.events"

local COUNT <const> = tonumber(os.getenv("EVENTS")) or 200000
local BATCH <const> = 1000

local function value(connection, sql)
  return assert(connection:exec(sql))[1].value
end

-- Runs `fill`, then: bytes of the tables with their indexes, and of WAL, per event.
local function cost(server, schema, fill)
  local connection <close> = server:connect()
  assert(connection:exec("CHECKPOINT"))
  local start = value(connection, "SELECT pg_current_wal_insert_lsn()::text AS value")
  fill(connection)
  local count = value(connection, ("SELECT count(*) AS value FROM %s.events"):format(schema))
  local wal = value(connection, ("SELECT (pg_current_wal_insert_lsn() - '%s')::float8 AS value"):format(start))
  local disk = value(connection, ([[SELECT sum(pg_total_relation_size(c.oid))::float8 AS value
    FROM pg_class AS c WHERE c.relnamespace = '%s'::regnamespace AND c.relkind = 'r']]):format(schema))
  return { wal = wal / count, disk = disk / count }
end

local function ours(server)
  local store <close> = server:store(1)
  return cost(server, store:schema(), function()
    local source = events.source(10)
    for _ = 1, COUNT // BATCH do
      assert(store:append_events(events.list(source, BATCH)))
    end
  end)
end

local function original(server, mode)
  local schema = server:original(1)
  return cost(server, schema, function(connection)
    repeat
      server:baseline(mode, { sql = events.INSERT_BATCH, seconds = 2, size = BATCH, schema = schema })
    until value(connection, ("SELECT count(*) AS value FROM %s.events"):format(schema)) >= COUNT
  end)
end

local ROWS <const> = { { "disk", "size on disk per event, 1 view" }, { "wal", "WAL per event, 1 view" } }

return function(server, compare)
  local mine = ours(server)
  if not server.seed then
    for _, row in ipairs(ROWS) do
      compare:note(row[2], "bytes", mine[row[1]])
    end
    return
  end
  -- Its clients make random ids; with ours it would gain what they give.
  local theirs, with_our_ids = original(server, "random"), original(server, "batch")
  for _, row in ipairs(ROWS) do
    local key, title = row[1], row[2]
    compare:pair(title, "bytes", mine[key], theirs[key], "original", { at_most = 0.75 })
    compare:pair(title, "bytes", mine[key], with_our_ids[key], "original, UUID v7", {})
  end
end
