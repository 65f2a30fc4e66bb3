-- A file of a git repository: one decider for each path. Its business key is the path as path_text.lua writes it.
local fstore = require "fstore"

-- The decision all commands share. Importing a history again says nothing new about the commits known already.
local function decide(event, needs_file)
  return function(command, state)
    local data = command.data
    if type(data.path) ~= "string" or type(data.commit) ~= "string" then
      return nil, "a command needs the path and the commit"
    end
    if state.commits[data.commit] then return {} end
    if needs_file and not state.blob then
      return nil, ("commit %s needs %s, which is not there"):format(data.commit, data.path)
    elseif not needs_file and state.blob then
      return nil, ("commit %s adds %s, which is there already"):format(data.commit, data.path)
    end
    return { { event = event, data = data } }
  end
end

-- A file that went may come back.
local function evolve(state, event)
  local data = event.data
  state.path, state.mode, state.blob = data.path, data.mode, data.blob
  state.commits[data.commit] = true
  return state
end

return fstore.decider {
  name = "File",

  events = {
    FileAdded = "a commit added the file",
    FileChanged = "a commit changed the file's contents, mode or type",
    FileDeleted = "a commit deleted the file",
    FileMovedAway = "a commit gave the file another path: here its history ends, for now",
    FileMovedHere = "a commit gave a file this path",
  },

  initial_state = { commits = {} },

  decide = {
    AddFile = decide("FileAdded", false),
    ChangeFile = decide("FileChanged", true),
    DeleteFile = decide("FileDeleted", true),
    MoveFileAway = decide("FileMovedAway", true),
    MoveFileHere = decide("FileMovedHere", false),
  },

  evolve = {
    FileAdded = evolve,
    FileChanged = evolve,
    FileDeleted = evolve,
    FileMovedAway = evolve,
    FileMovedHere = evolve,
  },
}
