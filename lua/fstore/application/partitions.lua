--- Leased events by partition.
local partitions = {}

---@param events fstore.Event[]
---@return fstore.Event[][] partitions each in order
function partitions.split(events)
  local lists, place = {}, {}
  for _, event in ipairs(events) do
    local id = event.decider_id
    if not place[id] then
      place[id] = {}
      lists[#lists + 1] = place[id]
    end
    table.insert(place[id], event)
  end
  return lists
end

---@param ... fstore.Event[][] partitions
---@return fstore.Event[] events
function partitions.join(...)
  local events = {}
  for _, lists in ipairs { ... } do
    for _, list in ipairs(lists) do
      table.move(list, 1, #list, #events + 1, events)
    end
  end
  return events
end

---The first `count` events as progress: up to where each partition was handled.
---@param events fstore.Event[]
---@param count integer? (default: all)
---@return fstore.Ack[]
function partitions.acks(events, count)
  local acks, place = {}, {}
  for index = 1, count or #events do
    local event = events[index]
    local id = event.decider_id
    if not place[id] then
      acks[#acks + 1] = { decider_id = id, token = event.token }
      place[id] = acks[#acks]
    end
    place[id].offset = event.offset
  end
  return acks
end

---@param events fstore.Event[]
---@return { decider_id: string, token: integer }[] leases one of each partition
function partitions.leases(events)
  return partitions.acks(events)
end

---@param events fstore.Event[] of one partition
---@param wanted fstore.Event
---@return integer? index of the event among them
function partitions.place(events, wanted)
  for index, event in ipairs(events) do
    if event == wanted then
      return index
    end
  end
  return nil
end

---@param events fstore.Event[] at least one
---@return integer attempts of the partition that was tried most often
function partitions.most_attempts(events)
  local most = 0
  for _, event in ipairs(events) do
    most = math.max(most, event.attempts)
  end
  return most
end

return partitions
