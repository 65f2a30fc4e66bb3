-- The contract of the original schema: what it has, ours has too, but for differences that are meant. With SEED the
-- original is read from that file; else from the facts that were read from it once.
local catalogue = require "spec.support.sql_catalogue"
local core = require "fstore.core"
local golden = require "spec.support.sql_golden"
local store = require "spec.support.sql_store"
local snapshot = golden.original_facts()
local uuid = core.uuid.v4

-- Each with the number of the defect that it removes.
local differences = {
  ["views.start_at type"] = { "D8", "timestamp without time zone", "timestamp with time zone" },
  ["register_view.v_start_at type"] = { "D8", "timestamp without time zone", "timestamp with time zone" },
  ["register_view.v_start_at default"] = { "D4", "now()", "NULL::timestamp with time zone" },
  ["stream_events.v_seconds default"] = { "D5", "300", "NULL::integer" },
}
-- Error texts are the original's; the SQLSTATEs are our own.
local sqlstates = {
  ["a second first event"] = "FS001", ["a previous event that has a successor"] = "FS001",
  ["a previous event of another stream"] = "FS003", ["a previous event that is not there"] = "FS003",
  ["an event_id that is there"] = "FS006", ["an event that is not registered"] = "FS004",
  ["a decider that is not registered"] = "FS004", ["a version that is not registered"] = "FS004",
  ["an event behind the final one"] = "FS002",
}

describe("the contract of the original", function()
  local ours, here, original
  local met = {}

  setup(function()
    here = store.open_ours()
    ours = catalogue.read(here:client(), here.schema)
    original = snapshot
    if store.seed then
      local there <close> = store.open()
      original = catalogue.read(there:client(), there.schema)
    end
  end)
  teardown(function() here:close() end)

  local function same(place, before, now)
    local difference = differences[place]
    if difference then
      assert.same({ difference[2], difference[3] }, { before, now })
      met[place] = true
    else
      assert.equal(before, now, place)
    end
  end

  it("was read well: the snapshot is what the file says", function() assert.same(original, snapshot) end)

  it("keeps the columns of the tables, in their order; more come behind", function()
    for name, columns in pairs(original.columns) do
      for i, column in ipairs(columns) do
        local place, now = name .. "." .. column.name, ours.columns[name][i]
        assert.equal(column.name, now.name)
        for _, what in ipairs { "type", "default", "is_required" } do
          same(place .. " " .. what, column[what], now[what])
        end
      end
      for i = #columns + 1, #ours.columns[name] do -- an INSERT of the original must work
        local added = ours.columns[name][i]
        assert.is_true(not added.is_required or added.default ~= nil, added.name)
      end
    end
  end)

  it("keeps the functions: names, parameters in order, types, defaults, results; more have defaults", function()
    for name, before in pairs(original.functions) do
      local now = ours.functions[name]
      assert.equal(before.result, now.result)
      for i, parameter in ipairs(before.parameters) do
        local place = name .. "." .. parameter.name
        assert.equal(parameter.name, now.parameters[i].name)
        for _, what in ipairs { "type", "default" } do
          same(place .. " " .. what, parameter[what], now.parameters[i][what])
        end
      end
      for i = #before.parameters + 1, #now.parameters do assert.is_truthy(now.parameters[i].default) end
    end
  end)

  it("differs in nothing else", function()
    for place in pairs(differences) do assert.is_true(met[place], place) end
  end)

  it("says the same to a misuse, with an SQLSTATE of its own", function()
    for what, answer in pairs(original.misuses) do
      assert.equal(answer.message, ours.misuses[what].message)
      assert.equal(sqlstates[what] or answer.sqlstate, ours.misuses[what].sqlstate, what)
    end
  end)

  -- A client that was written for the original, once by position and once by name.
  local function by_position(client, id)
    local first, second = uuid(), uuid()
    assert(client:try "SELECT * FROM register_decider_event('Client', 'Called', 'by position', 1)")
    assert(client:try "SELECT * FROM register_view('by position', '2023-01-23 12:17:17.078384', 400, 5, 'http://x')")
    assert(client:try("SELECT * FROM append_event('Called', $1, 'Client', $2, '{}', $3, null, 1)", first, id, uuid()))
    assert(client:try("SELECT * FROM append_event('Called', $1, 'Client', $2, '{\"n\": 2}', $3, $4)", second, id,
      uuid(), first))
    local events = client:query("SELECT * FROM get_events($1, 'Client')", id)
    assert.same({ 2, second }, { #events, client:query("SELECT * FROM get_last_event($1, 'Client')", id)[1].event_id })
    local streamed
    repeat
      streamed = client:query "SELECT * FROM stream_events('by position', 1, 300)"[1]
    until streamed.decider_id == id
    assert.same(events[1], streamed)
    assert.equal(1, #client:query("SELECT * FROM nack_event('by position', $1)", id))
    assert.equal(1, #client:query("SELECT * FROM schedule_nack_event('by position', $1, 0)", id))
    assert.equal(1, #client:query("SELECT * FROM ack_event('by position', $1, $2)", id, streamed.offset))
  end

  local function by_name(client, id)
    local first = uuid()
    assert(client:try [[SELECT * FROM register_decider_event(v_event => 'Named', v_decider => 'Client',
      v_description => 'by name')]])
    assert(client:try [[SELECT * FROM register_view(v_view => 'by name', v_start_at => '2023-01-23 12:17:17'::timestamp,
      v_lock_timeout_s => 400)]])
    assert(client:try([[SELECT * FROM append_event(v_event => 'Named', v_event_id => $1, v_decider => 'Client',
      v_decider_id => $2, v_data => '{}', v_command_id => $3, v_previous_id => NULL, v_event_version => 1)]], first, id,
      uuid()))
    assert.equal(1, #client:query("SELECT * FROM get_events(v_decider => 'Client', v_decider_id => $1)", id))
    local event = client:query("SELECT * FROM get_last_event(v_decider => 'Client', v_decider_id => $1)", id)[1]
    local streamed
    repeat
      streamed = client:query "SELECT * FROM stream_events(v_limit => 1, v_view_name => 'by name', v_seconds => 10)"[1]
    until streamed.decider_id == id
    assert.same(event, streamed)
    assert.equal(1, #client:query("SELECT * FROM nack_event(v_view => 'by name', v_decider_id => $1)", id))
    assert.equal(1, #client:query([[SELECT * FROM schedule_nack_event(v_view => 'by name', v_decider_id => $1,
      v_milliseconds => 0)]], id))
    assert.equal(1, #client:query([[SELECT * FROM ack_event(v_view => 'by name', v_offset => $2,
      v_decider_id => $1)]], id, event.offset))
  end

  for name, client_of_original in pairs { ["by position"] = by_position, ["by name"] = by_name } do
    it("holds for a client that calls " .. name .. ", with search_path set", function()
      client_of_original(here:client(), uuid())
      if store.seed then
        local there <close> = store.open()
        client_of_original(there:client(), uuid())
      end
    end)
  end

  it("holds for INSERTs by position", function()
    local client, id = here:client(), uuid()
    client:query("INSERT INTO views VALUES ('by insert', '-infinity')")
    client:query([[INSERT INTO events VALUES ('Placed', $1, 1, 'Order', $1, '{}', $1, NULL, false, now(),
      nextval('events_offset_seq'))]], id)
    client:query("INSERT INTO deciders VALUES ('Insert', 'Inserted', 1, 'by insert')")
    assert.equal(1, client:value("SELECT count(*) FROM locks WHERE view = 'by insert' AND decider_id = $1", id))
  end)
end)
