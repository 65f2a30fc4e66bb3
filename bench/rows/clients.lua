--- One event per commit, eight clients, three views.
local events = require "bench.events"

local SECONDS <const> = 3
local CLIENTS <const> = 8

return function(server, compare)
  local store <close> = server:store(3)
  local plain, original = server:plain(), server:original(3)
  local sides = {
    { name = "ours", run = function()
      return server:appenders { schema = store:schema(), seconds = SECONDS, clients = CLIENTS }
    end },
    { name = "plain INSERT", run = function()
      return server:baseline("single", { sql = events.INSERT, seconds = SECONDS, clients = CLIENTS, schema = plain })
    end },
  }
  if original then
    sides[3] = { name = "original", run = function()
      return server:appenders { schema = original, seconds = SECONDS, clients = CLIENTS, is_original = true }
    end }
  end
  compare:run("append, 8 clients, 3 views", "ev/s", {
    rounds = 5, sides = sides, targets = { { of = "plain INSERT" }, { of = "original", at_least = 2 } },
  })
end
