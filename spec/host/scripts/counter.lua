-- A decider for the specs of the host: it adds numbers, and does wrong in every way when told to.
local fstore = require "fstore"

local decide = {}

function decide.Add(command)
  local n = command.data.n
  if math.type(n) ~= "integer" then
    return nil, "n must be an integer"
  end
  return { { event = "Added", data = { n = n, text = command.data.text } } }
end

function decide.AddTwice(command)
  return { { event = "Added", data = { n = command.data.n } }, { event = "Added", data = { n = command.data.n } } }
end

function decide.DoNothing()
  return {}
end

function decide.Close()
  return { { event = "Closed" } }
end

function decide.Raise()
  error("a wheel came off")
end

function decide.ReturnText()
  return "Added"
end

function decide.InventEvent()
  return { { event = "Invented" } }
end

function decide.AddNan()
  return { { event = "Added", data = { n = 0 / 0 } } }
end

function decide.AddFunction()
  return { { event = "Added", data = { list = { 1, print } } } }
end

function decide.AddCycle()
  local data = {}
  data.self = data
  return { { event = "Added", data = data } }
end

return fstore.decider {
  name = "Counter",
  events = {
    Added = "a number was added",
    Closed = { description = "nothing is added any more", final = true },
  },
  initial_state = { sum = 0, count = 0 },
  decide = decide,
  evolve = {
    Added = function(state, event)
      state.sum, state.count = state.sum + event.data.n, state.count + 1
      return state
    end,
  },
}
