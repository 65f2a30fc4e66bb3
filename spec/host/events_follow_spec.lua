-- `fstore-lua events --follow`: every event once, in order, however transactions overlap; and how it ends.
local core = require "fstore.core"
local host = require "spec.support.host"
local session = require "spec.support.sql_session"
local sql_store = require "spec.support.sql_store"
local uuid = core.uuid.v4

describe("events --follow", function()
  local store, client, running, base
  setup(function()
    store = sql_store.open()
  end)
  before_each(function()
    client = store:client()
    base = client:value('SELECT coalesce(max("offset"), 0) FROM events')
  end)
  after_each(function()
    if running then
      running:signal("sigkill")
      running:wait()
      running = nil
    end
    session.close_all()
  end)
  teardown(function()
    store:close()
  end)

  local function follow(...)
    running = host.start({ "events", "--follow", "--after", tostring(base), ... }, { db = store.conninfo })
    return running
  end

  local function append(appender, decider_id)
    return assert((appender or client):append { decider_id = decider_id or uuid() }).offset
  end

  local function offsets(text)
    local list = {}
    for offset in text:gmatch('"offset":(%d+)') do
      list[#list + 1] = math.tointeger(offset)
    end
    return list
  end

  local function wait_for_offsets(...)
    local expected = { ... }
    host.wait_for(function() return #offsets(running.output.text) >= #expected end, "events")
    assert.same(expected, offsets(running.output.text))
  end

  -- Waits until the program has looked how far the log is complete.
  local function has_looked()
    local function looks()
      return store:client():value([[SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%log\_horizon()%' AND pid <> pg_backend_pid()]]) > 0
    end
    host.wait_for(looks, "a look at the log")
  end

  local function stop(signal)
    running:signal(signal or "sigint")
    local result = running:wait()
    running = nil
    return result
  end

  it("prints what is there, and then what comes", function()
    local first, second = append(), append()
    follow()
    wait_for_offsets(first, second)
    local third = append()
    wait_for_offsets(first, second, third)
    local fourth = append()
    wait_for_offsets(first, second, third, fourth)
    assert.same({ 0, "" }, { (function(result) return result.code, result.err end)(stop()) })
  end)

  it("ends on SIGTERM as well, and with --limit", function()
    local first = append()
    follow()
    wait_for_offsets(first)
    assert.equal(0, stop("sigterm").code)
    follow("--limit", "2")
    wait_for_offsets(first)
    local second = append()
    append()
    local result = running:wait()
    running = nil
    assert.same({ 0, { first, second } }, { result.code, offsets(result.out) })
  end)

  it("shows one decider's events, or one stream's", function()
    local id = uuid()
    append(nil, id)
    follow("--id", id)
    append()
    local event = client:call("get_last_event", id, "Order")[1]
    local second = assert(client:append { decider_id = id, previous_id = event.event_id }).offset
    wait_for_offsets(event.offset, second)
  end)

  describe("while a transaction stays open", function()
    local holder
    before_each(function()
      holder = store:client()
      holder:query("BEGIN")
    end)

    it("holds back what comes behind it, and shows all in order when it commits", function()
      local first = append()
      follow()
      wait_for_offsets(first)
      local late = append(holder)
      local ahead = append()
      has_looked()
      wait_for_offsets(first)
      holder:query("COMMIT")
      wait_for_offsets(first, late, ahead)
    end)

    it("shows what comes behind it when it is rolled back", function()
      local first = append()
      follow()
      wait_for_offsets(first)
      append(holder)
      local ahead = append()
      has_looked()
      wait_for_offsets(first)
      holder:query("ROLLBACK")
      wait_for_offsets(first, ahead)
    end)

    it("waits from the start, and says for what", function()
      local late, ahead = append(holder), append()
      follow()
      running:wait_for_message("events behind offset %d+ wait: a transaction is open that may commit one ahead of them")
      assert.equal("", running.output.text)
      holder:query("COMMIT")
      wait_for_offsets(late, ahead)
      local _, times = stop().err:gsub("\n", "")
      assert.equal(1, times)
    end)

    it("does not wait for those that begin later", function()
      local late, ahead = append(holder), append()
      follow()
      has_looked()
      local next_holder = store:client()
      next_holder:query("BEGIN")
      local later = append(next_holder)
      holder:query("COMMIT")
      wait_for_offsets(late, ahead)
      local last = append()
      next_holder:query("COMMIT")
      wait_for_offsets(late, ahead, later, last)
    end)

    it("goes on when it has appended nothing yet", function()
      holder:query("LOCK TABLE events IN ROW EXCLUSIVE MODE")
      local first = append()
      follow()
      has_looked()
      assert.equal("", running.output.text) -- it may have drawn an offset
      holder:query("ROLLBACK")
      wait_for_offsets(first)
    end)
  end)

  it("misses nothing beside many appenders", function()
    follow()
    local path = "spec/host/scripts/counter.lua"
    local appenders = {}
    for number = 1, 4 do
      local lines = {}
      for line = 1, 300 do
        local id = ("c-%d-%d"):format(number, line % 30)
        lines[line] = host.commands { decider_id = id, command = "Add", data = { n = 1 } }
      end
      appenders[number] = host.start({ "handle", path }, { db = store.conninfo, input = table.concat(lines) })
    end
    for _, appender in ipairs(appenders) do
      assert.equal(0, appender:wait().code)
    end
    host.wait_for(function() return #offsets(running.output.text) >= 1200 end, "events")
    local log = {}
    for index, row in ipairs(client:query('SELECT "offset" FROM events WHERE "offset" > $1 ORDER BY 1', base)) do
      log[index] = row.offset
    end
    assert.same(log, offsets(stop().out))
  end)

  it("ends when its reader has gone, even if nothing comes any more", function()
    local first = append()
    append()
    local result = host.shell(("{ $FSTORE events --follow --after %d; echo code $? >&2; } | head -n 1"):format(base),
      { db = store.conninfo })
    assert.same({ 0, "code 0\n", { first } }, { result.code, result.err, offsets(result.out) })
  end)

  it("is one table on a terminal, its headings once", function()
    local first = append()
    local command = ("stty cols 120; exec $FSTORE events --follow --after %d"):format(base)
    local shown = host.start_shell(("exec script -qec '%s' /dev/null"):format(command), { db = store.conninfo })
    shown:wait_for_output(("\n +%d  [^\n]*Placed"):format(first))
    shown:wait_for_output(("\n +%d  [^\n]*Placed"):format(append()))
    shown:write("\3")
    local result = shown:wait()
    assert.equal(0, result.code)
    local _, headings = result.out:gsub("created_at", "")
    assert.equal(1, headings)
  end)

  it("says where to go on when the connection is lost", function()
    local first = append()
    follow()
    wait_for_offsets(first)
    client:query [[SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'fstore-lua']]
    local result = running:wait()
    running = nil
    assert.equal(4, result.code)
    assert.matches(("\n  hint: %%-%%-after %d goes on"):format(first), result.err)
  end)
end)
