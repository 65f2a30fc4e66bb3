--- Given events, when a command or an event comes, then what follows: for deciders, views and sagas.
local diff = require "fstore.testing.diff"
local core = require "fstore.core"
local decider = require "fstore.model.decider"
local failure = require "fstore.testing.failure"
local saga = require "fstore.model.saga"
local trial = require "fstore.testing.trial"
local view = require "fstore.model.view"

local scenario = {}

local function expect(what, expected, actual)
  local difference = diff.of(expected, actual)
  if difference then
    failure.raise("%s (- expected, + actual):\n%s", what, difference)
  end
end

-- ---- Deciders

---@class fstore.DeciderScenario
---@field package decider fstore.Decider
---@field package state any
---@field package events table[]? that the last command led to
---@field package reason any of the last refusal
local DeciderScenario = {}
DeciderScenario.__index = DeciderScenario

local function given_decider(model, events)
  local state = model:initial()
  for place, event in ipairs(events) do
    state = trial.evolve(model, state, trial.event(model, event, place))
  end
  return setmetatable({ decider = model, state = state }, DeciderScenario)
end

---The command comes. It may be followed by another one.
---@param command table `{ command =, data = }`
---@return fstore.DeciderScenario
function DeciderScenario:when(command)
  local accepted = trial.command(self.decider, command)
  local state, events, reason = trial.decide(self.decider, accepted, self.state)
  return setmetatable({
    decider = self.decider, state = state, events = events, reason = reason, command = accepted.command,
  }, DeciderScenario)
end

local function check_decided(self)
  if not self.command then
    failure.raise("there was no command: say `when` first")
  end
end

---It led to these events, in this order.
---@param ... table `{ event =, data = }`
---@return fstore.DeciderScenario
function DeciderScenario:then_events(...)
  check_decided(self)
  if not self.events then
    failure.raise("%s was refused: %s", self.command, diff.lines(self.reason)[1])
  end
  local expected = {}
  for place, event in ipairs { ... } do
    expected[place] = trial.event(self.decider, event, place)
    if not self.decider:declaration(event) then
      failure.raise("%s is not declared by decider %s", event.event, self.decider.name)
    end
  end
  expect("the events differ", trial.plain(expected), trial.plain(self.events))
  return self
end

---It was accepted and led to nothing.
---@return fstore.DeciderScenario
function DeciderScenario:then_nothing()
  return self:then_events()
end

---The domain refused it.
---@param reason any text that occurs in the reason, or the reason itself; nil: whatever it is
---@return fstore.DeciderScenario
function DeciderScenario:then_refused(reason)
  check_decided(self)
  if self.events then
    failure.raise("%s was not refused, it led to:\n  %s", self.command,
      table.concat(diff.lines(trial.plain(self.events)), "\n  "))
  end
  local is_part = type(reason) == "string" and type(self.reason) == "string" and self.reason:find(reason, 1, true)
  if reason ~= nil and not is_part then
    expect("the reason differs", reason, self.reason)
  end
  return self
end

---This is the state now.
---@param state any
---@return fstore.DeciderScenario
function DeciderScenario:then_state(state)
  expect("the state differs", state, self.state)
  return self
end

-- ---- Views

---@class fstore.ViewScenario
---@field package view fstore.View
---@field package documents table<string, any>
---@field package place integer
local ViewScenario = {}
ViewScenario.__index = ViewScenario

local function apply(self, event)
  self.place = self.place + 1
  local loaded = trial.event(self.view.decider, event, self.place)
  local key = self.view:handles(loaded.event) and self.view.key(loaded) or nil
  if key ~= nil then
    local document = self.view:apply(self.documents[key], loaded)
    self.documents[key] = document ~= nil and trial.through_json("document " .. key, document) or nil
  end
end

local function given_view(model, events)
  if not model.evolve then
    failure.raise("view %s writes SQL: test it on a database, with fstore.projector", model.name)
  end
  local self = setmetatable({ view = model, documents = {}, place = 0 }, ViewScenario)
  for _, event in ipairs(events) do
    apply(self, event)
  end
  return self
end

---One more event comes.
---@param event table
---@return fstore.ViewScenario
function ViewScenario:when(event)
  apply(self, event)
  return self
end

---These are the documents, by key.
---@param documents table<string, any>
---@return fstore.ViewScenario
function ViewScenario:then_documents(documents)
  expect("the documents differ", documents, self.documents)
  return self
end

---This is the only document; nil: there is none.
---@param document any
---@return fstore.ViewScenario
function ViewScenario:then_document(document)
  local key, only = next(self.documents)
  if key and next(self.documents, key) then
    failure.raise("there are several documents: say then_documents")
  end
  expect("the document differs", document, only)
  return self
end

-- ---- Sagas

---@class fstore.SagaScenario
---@field package saga fstore.Saga
---@field package commands table[]?
local SagaScenario = {}
SagaScenario.__index = SagaScenario

---The event comes.
---@param event table
---@return fstore.SagaScenario
function SagaScenario:when(event)
  local function react()
    return core.json.array(self.saga:react(trial.event(self.saga.decider, event, 1)))
  end
  local commands = react()
  expect("react is not pure: twice the same event led to", commands, react())
  return setmetatable({ saga = self.saga, commands = commands }, SagaScenario)
end

---These commands follow, in this order.
---@param ... table `{ command =, decider_id =, data = }`
---@return fstore.SagaScenario
function SagaScenario:then_commands(...)
  if not self.commands then
    failure.raise("there was no event: say `when` first")
  end
  local expected = core.json.array {}
  for place, command in ipairs { ... } do
    expected[place] = {
      command = command.command, decider_id = command.decider_id, data = command.data == nil and {} or command.data,
    }
  end
  expect("the commands differ", expected, self.commands)
  return self
end

---No command follows.
---@return fstore.SagaScenario
function SagaScenario:then_nothing()
  return self:then_commands()
end

-- ----

---@param model fstore.Decider|fstore.View|fstore.Saga
---@param events table[]
---@return fstore.DeciderScenario|fstore.ViewScenario|fstore.SagaScenario
function scenario.given(model, events)
  if decider.is(model) then
    return given_decider(model, events)
  elseif view.is(model) then
    return given_view(model, events)
  elseif saga.is(model) then
    if #events > 0 then
      failure.raise("a saga remembers nothing: give it its event with `when`")
    end
    return setmetatable({ saga = model }, SagaScenario)
  end
  failure.raise("given: a decider, a view or a saga expected")
end

return scenario
