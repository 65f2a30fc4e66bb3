-- The projector: writes and progress in one transaction, failures that hold up their own partition only.
local core = require "fstore.core"
local database = require "spec.support.database"
local fstore = require "fstore"

describe("the projector", function()
  local db, store
  before_each(function()
    db = database.fresh()
    store = assert(fstore.connect(db))
    assert(store:register_decider_event("Counter", "Added", "a number was added"))
    assert(store:register_decider_event("Counter", "Ignored", "of no interest"))
  end)
  after_each(function()
    store:close()
    database.drop(db)
  end)

  local function id_of(partition)
    return ("00000000-0000-4000-8000-%012d"):format(partition)
  end

  -- Appends numbers to partitions: { { partition, number, event? }, … }.
  local function append(...)
    local list, last = {}, {}
    for index, item in ipairs { ... } do
      local id = id_of(item[1])
      last[id] = last[id] or store:get_last_event(id, "Counter")
      list[index] = {
        decider = "Counter", decider_id = id, event = item[3] or "Added", data = { n = item[2] },
        command_id = core.uuid.v4(),
        previous_id = not list[id] and last[id] and last[id].event_id or nil,
      }
      list[id] = true
    end
    return assert(store:append_events(list))
  end

  local function view(on, more)
    local definition = {
      name = "numbers", start_at = "-infinity", setup = "create table if not exists numbers (n int check (n < 100))",
      on = { Added = on },
    }
    for key, value in pairs(more or {}) do
      definition[key] = value
    end
    return fstore.view(definition)
  end

  local function insert(event, tx)
    assert(tx:exec("insert into numbers values ($1)", event.data.n))
  end

  local function projector(on, more, options)
    local made = fstore.projector(store, view(on, more), options or { random = function() return 0.5 end })
    assert(made:prepare())
    return made
  end

  local function query(sql)
    return database.query(db, "set search_path = fstore, public; " .. sql)
  end

  local function numbers()
    return query "select coalesce(string_agg(n::text, ',' order by n), '') from numbers"
  end

  local function pending()
    return assert(store:view_status("numbers"))[1].pending_events
  end

  it("writes and acks in one step", function()
    append({ 1, 1 }, { 2, 2 }, { 1, 3 })
    local it = projector(insert)
    local step = assert(it:step())
    assert.same({ 3, {} }, { step.handled, step.failures })
    assert.equal("1,2,3", numbers())
    assert.equal(0, pending())
    step = assert(it:step())
    assert.same({ 0, {} }, { step.handled, step.failures })
  end)

  it("gives events to the handler in order within a partition", function()
    append({ 1, 1 }, { 2, 1 }, { 1, 2 }, { 2, 2 }, { 1, 3 })
    local seen = {}
    projector(function(event)
      local list = seen[event.decider_id] or {}
      seen[event.decider_id] = list
      list[#list + 1] = event.data.n
    end):step()
    assert.same({ [id_of(1)] = { 1, 2, 3 }, [id_of(2)] = { 1, 2 } }, seen)
  end)

  it("acks events without a handler", function()
    append({ 1, 1, "Ignored" }, { 1, 2 })
    assert.equal(2, projector(insert):step().handled)
    assert.equal(0, pending())
  end)

  it("keeps progress when prepared again", function()
    append({ 1, 1 })
    projector(insert):step()
    append({ 1, 2 })
    assert.equal(1, projector(insert):step().handled)
    assert.equal("1,2", numbers())
  end)

  it("says that its setup failed", function()
    local made = fstore.projector(store, view(insert, { setup = "creat table" }))
    local done, err = made:prepare()
    assert.is_nil(done)
    assert.matches("^view numbers: setup: syntax error", err.message)
  end)

  it("raises for options it does not know", function()
    assert.error_matches(function() fstore.projector(store, view(insert), { limitt = 1 }) end,
      'unknown option "limitt"')
  end)

  describe("when an event cannot be handled", function()
    local function fails_at(n, failure)
      return function(event, tx)
        insert(event, tx)
        if event.data.n == n then
          failure(tx)
        end
      end
    end

    it("keeps what comes before it, puts off its partition, and handles the others", function()
      append({ 1, 1 }, { 1, 2 }, { 1, 3 }, { 2, 4 }, { 2, 5 })
      local step = projector(fails_at(2, function() error("bad luck") end)):step()
      local failure = step.failures[1]
      assert.same({ 3, 1, 2 }, { step.handled, #step.failures, failure.event.data.n })
      assert.equal("script", failure.error.kind)
      assert.matches("projector_spec%.lua:%d+: bad luck", failure.error.message)
      assert.equal("1,4,5", numbers())
      assert.equal(2, pending())
      assert.equal(0, projector(insert):step().handled) -- it is put off
    end)

    it("notices a statement that failed although the handler does not", function()
      append({ 1, 1 }, { 2, 100 }, { 3, 3 })
      local step = projector(function(event, tx)
        tx:exec("insert into numbers values ($1)", event.data.n)
      end):step()
      assert.same({ 2, 1 }, { step.handled, #step.failures })
      assert.equal("constraint", step.failures[1].error.kind)
      assert.equal(100, step.failures[1].event.data.n)
      assert.equal("1,3", numbers())
    end)

    it("notices a constraint that fails at the commit only", function()
      append({ 1, 1 }, { 2, 1 }, { 3, 3 })
      local step = projector(insert, {
        setup = "create table if not exists numbers (n int unique deferrable initially deferred)",
      }):step()
      assert.same({ 2, 1 }, { step.handled, #step.failures })
      assert.equal("1,3", numbers())
    end)

    it("waits longer from attempt to attempt, up to five minutes", function()
      append({ 1, 1 })
      local failing, delays = projector(function() error("no") end, { max_attempts = 20 }), {}
      for attempt = 1, 11 do
        query "update locks set locked_until = now()"
        local failure = failing:step().failures[1]
        delays[attempt] = failure.retry_in
        assert.equal(attempt, failure.event.attempts)
      end
      assert.same({ 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000 }, delays)
    end)

    it("keeps the last error with the partition", function()
      append({ 1, 1 })
      projector(function() error("no such customer") end):step()
      assert.matches("no such customer", query "select last_error from locks where view = 'numbers'")
    end)
  end)

  -- From the third time on a write is sent ahead, and what became of it is known later.
  describe("with writes that are sent ahead", function()
    local function append_partitions(count, number_of)
      local items = {}
      for partition = 1, count do
        items[partition] = { partition, number_of and number_of(partition) or partition }
      end
      append(table.unpack(items))
    end

    local function locks(sql)
      return query(("select %s from locks where view = 'numbers' and last_offset < \"offset\""):format(sql))
    end

    it("names the event and the line of one that failed", function()
      append_partitions(20, function(n) return n == 10 and 100 or n end)
      local step = projector(function(event, tx)
        local rows, err = tx:exec("insert into numbers values ($1)", event.data.n)
        if not rows then
          error("no number: " .. err.kind)
        end
      end):step()
      local failure = step.failures[1]
      assert.same({ 19, 1, 100, 1 }, { step.handled, #step.failures, failure.event.data.n, failure.attempts })
      assert.matches("projector_spec%.lua:%d+: no number: constraint", failure.error.message)
      assert.equal("19", query "select count(distinct n) from numbers where n < 100")
      assert.equal("1|1", locks "count(*), max(attempts)")
      assert.matches("attempt 1: .*no number", locks "max(last_error)")
    end)

    it("lets a handler go on that expects a failure", function()
      append_partitions(20, function(n) return n == 10 and 100 or n end)
      local step = projector(function(event, tx)
        tx:exec("savepoint s")
        if not tx:exec("insert into numbers values ($1)", event.data.n) then
          assert(tx:exec("rollback to savepoint s"))
          assert(tx:exec("insert into numbers values (99)"))
        end
      end):step()
      assert.same({ 20, 0 }, { step.handled, #step.failures })
      assert.equal("20|99", query "select count(distinct n), max(n) from numbers")
    end)

    it("finds one that fails at the end of the batch", function()
      append_partitions(20, function(n) return n == 20 and 100 or n end)
      local it = projector(insert)
      local step = it:step()
      assert.same({ 19, 1 }, { step.handled, #step.failures })
      assert.equal(100, step.failures[1].event.data.n)
      assert.matches("numbers_n_check", step.failures[1].error.message)
      assert.equal("19", query "select count(distinct n) from numbers")
    end)

    it("lets a handler read how many rows they affected", function()
      append_partitions(60, function(n) return n % 7 end)
      local step = projector(function(event, tx)
        if tx:exec("update numbers set times = times + 1 where n = $1", event.data.n).affected == 0 then
          tx:exec("insert into numbers values ($1, 1)", event.data.n)
        end
      end, { setup = "create table numbers (n int primary key, times int not null)" }):step()
      assert.equal(60, step.handled)
      assert.equal("0:8,1:9,2:9,3:9,4:9,5:8,6:8",
        query "select string_agg(n || ':' || times, ',' order by n) from numbers")
    end)

    it("lets a handler read what it has written", function()
      append_partitions(50)
      local step = projector(function(event, tx)
        insert(event, tx)
        local rows = tx:exec("select count(*) as n from numbers where n <= $1", event.data.n)
        assert(rows[1].n == event.data.n and #rows == 1)
      end):step()
      assert.same({ 50, 0 }, { step.handled, #step.failures })
    end)

    it("copes with a big batch", function()
      append_partitions(100)
      local text = ("x"):rep(20000)
      local step = projector(function(_, tx)
        for _ = 1, 50 do
          tx:exec("insert into numbers values ($1)", text)
        end
      end, { setup = "create table numbers (n text)" }):step()
      assert.equal(100, step.handled)
      assert.equal("5000|100000000", query "select count(*), sum(length(n)) from numbers")
    end)

    it("applies each event once, whenever the connection is killed", function()
      append_partitions(60)
      local killed
      local it = projector(function(event, tx)
        insert(event, tx)
        if event.data.n == 30 and not killed then
          killed = true
          query(("select pg_terminate_backend(%d, 5000)"):format(store.connection:backend_pid()))
        end
      end)
      local step, err = it:step()
      assert.is_nil(step)
      assert.equal("connection", err.kind)
      assert.equal("", numbers())
      assert(store:reconnect())
      assert(it:prepare())
      for _ = 1, 60 do -- each may be what killed it, and is tried by itself
        step = it:step()
        assert.same({ 1, {} }, { step.handled, step.failures })
      end
      assert.equal("60|60", query "select count(*), count(distinct n) from numbers")
    end)

    it("puts off the event whose write hangs until the time is over", function()
      append_partitions(20)
      local it = projector(insert, { lock_timeout_s = 1, setup = [[
        create table numbers (n int);
        create function sleep() returns trigger language plpgsql as
          $$ begin perform pg_sleep(1000); return new; end $$;
        create trigger sleep before insert on numbers for each row when (new.n = 10) execute function sleep()]] },
        { ends_hanging = true })
      local step = it:step()
      assert.same({ 19, 1 }, { step.handled, #step.failures })
      assert.same({ "timeout", 10, 1 },
        { step.failures[1].error.kind, step.failures[1].event.data.n, step.failures[1].attempts })
      assert.equal("19", query "select count(distinct n) from numbers")
    end)
  end)

  it("writes nothing when another has taken the lease", function()
    append({ 1, 1 }, { 2, 2 })
    local other <close> = assert(fstore.connect(db))
    local step = projector(function(event, tx)
      insert(event, tx)
      if event.data.n == 1 then
        query(("update locks set locked_until = '-infinity' where decider_id = '%s'"):format(event.decider_id))
        assert(#other:lease_events("numbers") == 1)
      end
    end):step()
    assert.same({ 1, 0 }, { step.handled, #step.failures })
    assert.equal("2", numbers())
    assert.equal(1, pending())
  end)

  it("returns a lost connection as an error", function()
    append({ 1, 1 })
    local made = projector(function(_, tx)
      query(("select pg_terminate_backend(%d)"):format(tx:exec("select pg_backend_pid() as pid")[1].pid))
      tx:exec("select 1")
    end)
    local step, err = made:step()
    assert.is_nil(step)
    assert.equal("connection", err.kind)
    assert.equal("", numbers())
  end)
end)
