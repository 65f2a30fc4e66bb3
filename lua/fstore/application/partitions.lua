--- Leased events by partition.
local core = require "fstore.core"

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

---The last of each partition among the first `count` events: as a lease, and as an ack of all before it.
---@param events fstore.Event[]
---@param count integer? (default: all)
---@return fstore.Event[]
function partitions.last(events, count)
  return core.last_of_partitions(events, count or #events)
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
  for _, event in ipairs(partitions.last(events)) do
    most = math.max(most, event.attempts)
  end
  return most
end

return partitions
