--- One of several: deciders, views or sagas.
local decider = require "fstore.model.decider"
local saga = require "fstore.model.saga"
local view = require "fstore.model.view"

local combine = {}

local KINDS <const> = { decider, view, saga }

---Combines deciders, views or sagas into one. It is associative: however they are grouped, the same comes out.
---@generic T: fstore.Decider|fstore.View|fstore.Saga
---@param first T
---@param ... T
---@return T
function combine.new(first, ...)
  local parts = { first, ... }
  for _, kind in ipairs(KINDS) do
    if kind.is(first) then
      for index, part in ipairs(parts) do
        if not kind.is(part) then
          error(("fstore.combine: argument %d is not of the kind of the first"):format(index), 2)
        end
      end
      -- No tail call: messages name the caller by its level.
      local combined = #parts == 1 and first or kind.combine(parts)
      return combined
    end
  end
  error("fstore.combine: deciders, views or sagas expected", 2)
end

return combine
