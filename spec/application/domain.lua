-- The domain of these specs: accounts that take payments, a ledger that books them, a saga between them.
local fstore = require "fstore"
local core = require "fstore.core"
local database = require "spec.support.database"

local domain = {}

domain.account = fstore.decider {
  name = "Account",
  events = {
    Opened = "an account was opened", Paid = "money came in", Closed = { description = "closed", final = true },
  },
  initial_state = { cents = 0 },
  decide = {
    Open = function(command, state)
      if state.owner then return nil, "it is open already" end
      return { { event = "Opened", data = { owner = command.data.owner or "Ada" } } }
    end,
    Pay = function(command, state)
      if not state.owner then return nil, "it is not open" end
      local events = {}
      for index, cents in ipairs(command.data.amounts) do
        events[index] = { event = "Paid", data = { cents = cents, ledger = command.data.ledger } }
      end
      return events
    end,
    Close = function() return { { event = "Closed" } } end,
    Break = function() error("broken") end,
    Spoil = function() return { { event = "Paid", data = { spoil = true } } } end,
  },
  evolve = {
    Opened = function(state, event)
      state.owner = event.data.owner
      return state
    end,
    Paid = function(state, event)
      if event.data.spoil then return { f = print } end
      state.cents = state.cents + event.data.cents
      return state
    end,
  },
}

domain.ledger = fstore.decider {
  name = "Ledger",
  events = { Booked = "an amount was booked" },
  initial_state = { total = 0 },
  decide = {
    Book = function(command, state)
      if state.total + command.data.cents > 100 then return nil, "the ledger is full" end
      return { { event = "Booked", data = command.data } }
    end,
  },
  evolve = {
    Booked = function(state, event)
      state.total = state.total + event.data.cents
      return state
    end,
  },
}

domain.both = fstore.combine(domain.account, domain.ledger)

domain.booking = fstore.saga {
  name = "booking", start_at = "-infinity", decider = domain.both,
  react = { Paid = function(event)
    if event.data.ledger then
      return { { command = "Book", decider_id = event.data.ledger, data = { cents = event.data.cents } } }
    end
  end },
}

--- A store of its own, with both deciders registered, and the connection string of its database.
function domain.store()
  local conninfo = database.fresh()
  local store = assert(fstore.connect(conninfo))
  assert(store:register_decider(domain.both))
  return store, conninfo
end

function domain.command(decider_id, name, data, command_id)
  return { decider_id = decider_id, command = name, data = data, command_id = command_id }
end

domain.id = core.uuid.v7

--- The names of the stored events, or of one stream.
function domain.log(store, decider, decider_id)
  local names = {}
  for index, event in ipairs(assert(store:read_events { decider = decider, decider_id = decider_id })) do
    names[index] = event.event
  end
  return table.concat(names, " ")
end

return domain
