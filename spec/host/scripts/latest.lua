-- A view of documents for the specs of the host: the latest number by text, whoever counted it. A number of 0 deletes.
local fstore = require "fstore"

return fstore.view {
  name = "latest",
  start_at = "-infinity",
  table = "latest",
  key = function(event)
    return event.data.text
  end,
  initial_state = { count = 0 },
  evolve = {
    Added = function(document, event)
      if event.data.n == 0 then
        return nil
      end
      return { n = event.data.n, count = document.count + 1 }
    end,
  },
}
