-- A view for the specs of the host: the sum of each counter, and how many events led to it.
local fstore = require "fstore"

return fstore.view {
  name = "sums",
  start_at = "-infinity",
  setup = "create table if not exists sums (id uuid primary key, sum bigint not null, count bigint not null)",
  on = {
    Added = function(event, db)
      if event.data.text == "poison" then
        error("cannot swallow this")
      end
      db:exec([[
        insert into sums values ($1, $2, 1)
        on conflict (id) do update set sum = sums.sum + excluded.sum, count = sums.count + 1
      ]], event.decider_id, event.data.n)
    end,
  },
}
