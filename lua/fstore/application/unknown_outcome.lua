--- Appends whose connection was lost before their answer came: whether they were stored is asked of the store, by the
--- event ids. An append still in flight when we ask does no harm: what is decided anew names the same previous event,
--- and of two such appends the store takes one.
local unknown_outcome = {}

---Notes for each command of a run which events were sent for it.
---@param run fstore.Run
---@param accepted fstore.Accepted[]
function unknown_outcome.note(run, accepted)
  for index, outcome in pairs(run.outcomes) do
    if outcome.from and outcome.from <= outcome.to then
      local sent = accepted[index].sent or {}
      sent[#sent + 1] = table.move(run.events, outcome.from, outcome.to, 1, {})
      accepted[index].sent = sent
    end
  end
end

local function stream_of(event)
  return event.decider .. "\0" .. event.decider_id
end

-- Of the streams that the events belong to: what is stored, by event id.
local function stored(store, events)
  local streams, found = {}, {}
  for _, event in ipairs(events) do
    streams[stream_of(event)] = event
  end
  for _, each in pairs(streams) do
    for event in store:get_events(each.decider_id, each.decider) do
      found[event.event_id] = event
    end
  end
  return found
end

local function pick(found, events)
  local picked = {}
  for index, event in ipairs(events) do
    picked[index] = found[event.event_id]
  end
  return #picked == #events and picked or nil
end

---The events that were stored for a command after all. To be asked after its stream was loaded.
---@param store fstore.Store
---@param accepted fstore.Accepted
---@return fstore.Event[]? events nil: it is still to be handled; raises the error of the database
function unknown_outcome.find(store, accepted)
  for _, events in ipairs(accepted.sent or {}) do
    local picked = pick(stored(store, events), events)
    if picked then
      return picked
    end
  end
  return nil
end

return unknown_outcome
