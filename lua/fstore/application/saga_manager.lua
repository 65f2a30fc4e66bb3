--- The saga manager: hands the commands that follow from events to their decider. Events may be delivered again; the
--- commands, whose ids are made from the event's, are handled once.
local command_handler = require "fstore.application.command_handler"
local commands = require "fstore.application.commands"

---@class fstore.Refusal a command of a saga that the domain refused: the saga goes on
---@field event fstore.Event
---@field command fstore.IssuedCommand
---@field error fstore.Error

---@class fstore.SagaManager
---@field package saga fstore.Saga
---@field package handler fstore.CommandHandler
local SagaManager = {}
SagaManager.__index = SagaManager
SagaManager.__name = "fstore.saga_manager"

local saga_manager = {}

---@param store fstore.Store
---@param saga fstore.Saga one that names its decider
---@return fstore.SagaManager
function saga_manager.new(store, saga)
  if not saga.decider then
    error(("saga %s names no decider to handle its commands: give it `decider`"):format(saga.name), 3)
  end
  return setmetatable({ saga = saga, handler = command_handler.new(store, saga.decider) }, SagaManager)
end

---@return fstore.Decider
function SagaManager:decider()
  return self.saga.decider
end

-- The commands of all the events, each with the index of its event.
local function react(self, events, at)
  local issued, causes = {}, {}
  for index, event in ipairs(events) do
    at(index)
    for place, command in ipairs(self.saga:react(event)) do
      command.command_id = commands.derived_id(event.event_id, place)
      issued[#issued + 1], causes[#causes + 1] = command, index
    end
  end
  return issued, causes
end

---Handles what follows from events, in order, up to the first command that fails; a refusal is no failure.
---@param events fstore.Event[]
---@param at fun(index: integer) told the place of the event at hand
---@return fstore.Refusal[] refusals; raises the error of a failure
function SagaManager:handle(events, at)
  local issued, causes = react(self, events, at)
  local refusals, next_one = {}, 1
  while next_one <= #issued do
    local rest = table.move(issued, next_one, #issued, 1, {})
    for index, outcome in ipairs(self.handler:handle_many(rest, { stop_on_error = true })) do
      local place = next_one + index - 1
      local err = outcome.error
      if err and err.kind == "refused" then
        refusals[#refusals + 1] = { event = events[causes[place]], command = issued[place], error = err }
      elseif err then
        at(causes[place])
        error(err, 0)
      end
      rest.handled = index
    end
    next_one = next_one + rest.handled
  end
  return refusals
end

return saga_manager
