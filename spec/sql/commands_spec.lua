-- record_commands and handled_commands: the memory of commands whose senders chose an id.
local fstore = require "fstore"
local database = require "spec.support.database"

describe("the store's memory of commands", function()
  local store, conninfo
  local uuid, json = fstore.uuid, fstore.json

  lazy_setup(function()
    conninfo = database.fresh()
    store = assert(fstore.connect(conninfo))
    for _, decider in ipairs { "A", "B" } do assert(store:register_decider_event(decider, "Done", "done")) end
  end)
  lazy_teardown(function()
    store:close()
    database.drop(conninfo)
  end)

  local function append(decider, decider_id, command_id)
    return { decider = decider, decider_id = decider_id, event = "Done", data = {}, command_id = command_id }
  end

  local function record(command_id, event_ids)
    return store:exec("SELECT FROM fstore.record_commands($1)", json.value { {
      command_id = command_id, digest = uuid.v4(), event_ids = json.array(event_ids),
    } })
  end

  local function handled(...)
    local ids = "{" .. table.concat({ ... }, ",") .. "}"
    return assert(store:exec("SELECT * FROM fstore.handled_commands($1::uuid[])", ids))
  end

  it("says where the events of a command begin in each stream", function()
    local command, a, b = uuid.v7(), uuid.v7(), uuid.v7()
    local events = assert(store:append_events {
      append("A", a, command), append("B", b, uuid.v5(command, "1")), append("A", a, command),
    })
    local event_ids = {}
    for index, event in ipairs(events) do event_ids[index] = event.event_id end
    assert(record(command, event_ids))
    local rows = handled(command, uuid.v7())
    assert.are.equal(2, #rows)
    assert.are.same({ "A", a, events[1].offset, 2 },
      { rows[1].decider, rows[1].decider_id, rows[1].first_offset, rows[1].events })
    assert.are.same({ "B", b, events[2].offset, 1 },
      { rows[2].decider, rows[2].decider_id, rows[2].first_offset, rows[2].events })
  end)

  it("remembers a command without events", function()
    local command = uuid.v7()
    assert(record(command, {}))
    local rows = handled(command)
    assert.are.equal(1, #rows)
    assert.is_nil(rows[1].decider)
    assert.are.equal(0, rows[1].events)
  end)

  it("records a command once", function()
    local command = uuid.v7()
    assert(record(command, {}))
    local _, err = record(command, {})
    assert.are.equal("23505", err.sqlstate)
    assert.are.equal("commands_pkey", err.constraint)
  end)
end)
