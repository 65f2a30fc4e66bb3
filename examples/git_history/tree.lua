-- The tree at the last imported commit: one row for each file that exists.
local fstore = require "fstore"

local function put(event, db)
  local data = event.data
  return db:exec([[
    insert into git_tree (file, path, mode, blob, commit) values ($1, $2, $3, $4, $5)
    on conflict (file) do update set mode = excluded.mode, blob = excluded.blob, commit = excluded.commit
  ]], event.decider_id, data.path, data.mode, data.blob, data.commit)
end

local function remove(event, db)
  return db:exec("delete from git_tree where file = $1", event.decider_id)
end

return fstore.view {
  name = "git_tree",
  start_at = "-infinity",

  -- The path is no key: it may be longer than an index can hold.
  setup = [[
    create table if not exists git_tree (
      file uuid primary key,
      path text not null,
      mode text not null,
      blob text not null,
      commit text not null
    )
  ]],

  on = {
    FileAdded = put,
    FileChanged = put,
    FileMovedHere = put,
    FileDeleted = remove,
    FileMovedAway = remove,
  },
}
