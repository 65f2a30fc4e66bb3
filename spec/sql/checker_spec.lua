-- The checker of the random spec must find what it is there to find.
local checker = require "spec.support.sql_checker"

local function event(offset, fields)
  local row = { offset = offset, event = "Placed", event_version = 1, event_id = "e" .. offset, decider = "Order",
    decider_id = "p", previous_id = offset > 1 and "e" .. offset - 1 or nil, final = false, created_at = "2026" }
  for key, value in pairs(fields or {}) do row[key] = value or nil end
  if fields and fields.previous_id == false then row.previous_id = nil end
  return row
end

local deciders = { { decider = "Order", event = "Placed", event_version = 1 } }
local chain = { event(1), event(2), event(3) }
local views = { { view = "v" } }

local function log(leases, acks, registrations)
  for _, list in ipairs { leases, acks } do
    for _, entry in ipairs(list) do entry.view, entry.decider_id = "v", "p" end
  end
  return { appended = {}, undone = {}, leases = leases, acks = acks, registrations = registrations or {} }
end

local function lease(token, ...) return { token = token, offsets = { ... } } end
local function ack(token, offset) return { token = token, offset = offset } end

describe("the checker", function()
  local function finds(number, violations)
    assert.is_true(#violations > 0)
    for _, text in ipairs(violations) do if text:find(number, 1, true) then return end end
    error("not found: " .. number .. " in " .. table.concat(violations, "; "))
  end

  it("passes what is right", function()
    assert.same({}, checker.streams(chain, deciders))
    assert.same({}, checker.deliveries(chain, views, log({ lease(1, 1, 2), lease(2, 3) }, { ack(1, 2), ack(2, 3) })))
    assert.same({}, checker.deliveries(chain, views, log({ lease(1, 1, 2), lease(2, 1, 2, 3) }, { ack(2, 3) })))
  end)

  it("finds broken streams", function()
    finds("I1", checker.streams({ event(1), event(2, { previous_id = false }) }, deciders))
    finds("I2", checker.streams({ event(1), event(2), event(3, { previous_id = "e1" }) }, deciders))
    finds("I2", checker.streams({ event(2, { previous_id = "e1" }) }, deciders))
    finds("I3", checker.streams({ event(1, { final = true }), event(2) }, deciders))
    finds("I4", checker.streams({ event(1, { event = "Plaecd" }) }, deciders))
  end)

  it("finds events that changed, went, or should not be there", function()
    local notes = log({}, {})
    notes.appended.e1 = event(1)
    assert.same({}, checker.immutability(chain, notes))
    finds("I5", checker.immutability({ event(1, { data = "other" }) }, notes))
    finds("I5", checker.immutability({}, notes))
    notes.undone.e2 = true
    finds("I5", checker.immutability(chain, notes))
  end)

  it("finds locks that are missing or wrong", function()
    local lock = { view = "v", decider_id = "p", offset = 3, last_offset = 3 }
    assert.same({}, checker.drained(chain, views, { lock }))
    finds("I6", checker.drained(chain, views, {}))
    lock.last_offset = 2
    finds("I6", checker.drained(chain, views, { lock }))
    lock.offset, lock.last_offset = 2, 3
    finds("I6", checker.drained(chain, views, { lock }))
  end)

  it("finds deliveries that skip, repeat, or come out of order", function()
    finds("I6", checker.deliveries(chain, views, log({ lease(1, 1), lease(2, 3) }, { ack(1, 1), ack(2, 3) })))
    finds("I6", checker.deliveries(chain, views, log({ lease(1, 1, 3) }, { ack(1, 3) })))
    finds("I6", checker.deliveries(chain, views, log({ lease(1, 1, 2) }, { ack(1, 2) })))
    finds("I8", checker.deliveries(chain, views, log({ lease(1, 1, 2), lease(2, 2, 3) }, { ack(1, 2), ack(2, 3) })))
    finds("came after", checker.deliveries(chain, views, log({ lease(1, 2), lease(2, 1, 2, 3) }, { ack(2, 3) })))
  end)

  it("finds an ack of an old token that counted", function()
    finds("I7", checker.deliveries(chain, views, log({ lease(1, 1), lease(2, 1, 2), lease(3, 3) },
      { ack(1, 1), ack(2, 2), ack(3, 3) })))
  end)

  it("takes a registration for what it says, and finds one that passes over events", function()
    local function registration(position, start_at)
      return { { view = "v", start_at = start_at, locks = { p = { token = 5, last_offset = position } } } }
    end
    assert.same({}, checker.deliveries(chain, views, log({ lease(1, 1, 2, 3), lease(6, 2, 3) },
      { ack(1, 3), ack(6, 3) }, registration(1, "2027"))))
    finds("it covers",
      checker.deliveries(chain, views, log({ lease(6, 2, 3) }, { ack(6, 3) }, registration(1, "2025"))))
  end)
end)
