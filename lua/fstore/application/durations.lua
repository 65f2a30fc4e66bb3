--- How long each event of a batch took, from the moments at which the handlers were entered.
---@class fstore.Durations
local Durations = {}
Durations.__index = Durations

local durations = {}

---@param clock fun(): number seconds
---@return fstore.Durations
function durations.new(clock)
  return setmetatable({ clock = clock, places = {}, times = {} }, Durations)
end

---@param place integer? of the event that is handled from now on; nil: none
function Durations:mark(place)
  self.places[#self.places + 1], self.times[#self.times + 1] = place or 0, self.clock()
end

---@param events fstore.Event[]
---@param tell fun(event: fstore.Event, milliseconds: number)
function Durations:tell(events, tell)
  for index, place in ipairs(self.places) do
    local ended = self.times[index + 1]
    if events[place] and ended and self.places[index + 1] ~= place then
      tell(events[place], (ended - self.times[index]) * 1000)
    end
  end
end

return durations
