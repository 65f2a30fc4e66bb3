--- What `fstore-lua new` writes: a script and its spec, by kind. @NAME@ is the name, @FILE@ that of the file.
local templates = {}

templates.decider = {
  script = [[
-- @NAME@: which commands are accepted, which events follow, what they change.
-- Pure: time, ids and dice come with the command.
local fstore = require "fstore"

local decide = {}

function decide.Open@NAME@(command, state)
  if state.status ~= "new" then
    return nil, "it is open already"
  end
  return { { event = "@NAME@Opened", data = { title = command.data.title } } }
end

function decide.Close@NAME@(_, state)
  if state.status ~= "open" then
    return nil, ("it is %s, not open"):format(state.status)
  end
  return { { event = "@NAME@Closed" } }
end

local evolve = {}

function evolve.@NAME@Opened(state, event)
  state.status, state.title = "open", event.data.title
  return state
end

function evolve.@NAME@Closed(state)
  state.status = "closed"
  return state
end

return fstore.decider {
  name = "@NAME@",
  events = {
    @NAME@Opened = "it was opened",
    @NAME@Closed = { description = "it was closed for good", final = true },
  },
  initial_state = { status = "new" },
  decide = decide,
  evolve = evolve,
}
]],
  spec = [[
local testing = require "fstore.testing"

describe("@NAME@", function()
  local @FILE@ = testing.load "@FILE@.lua"
  local given, e, c = testing.given, testing.events(@FILE@), testing.commands(@FILE@)
  local opened = e.@NAME@Opened { title = "first" }

  it("is opened once", function()
    given(@FILE@):when(c.Open@NAME@ { title = "first" }):then_events(opened)
    given(@FILE@, opened):when(c.Open@NAME@ { title = "second" }):then_refused "open already"
  end)

  it("is closed when it is open", function()
    given(@FILE@, opened):when(c.Close@NAME@()):then_events(e.@NAME@Closed())
      :then_state { status = "closed", title = "first" }
    given(@FILE@):when(c.Close@NAME@()):then_refused "not open"
  end)

  it("has a title while it is open, through any history", function()
    testing.histories(@FILE@, {
      commands = {
        Open@NAME@ = function(random) return { title = random:one_of { "first", "second" } } end,
        Close@NAME@ = function() return {} end,
      },
      invariant = function(state)
        return state.status == "new" or state.title ~= nil, "it has no title"
      end,
    })
  end)
end)
]],
}

templates.view = {
  script = [[
-- @NAME@: a read model, one document for each stream. Give it a `key` to have one for something else.
local fstore = require "fstore"

return fstore.view {
  name = "@NAME@",
  start_at = "-infinity",
  initial_state = { titles = {} },

  evolve = {
    ThingOpened = function(document, event)
      table.insert(document.titles, event.data.title)
      return document
    end,

    -- No document is left of what is closed.
    ThingClosed = function()
      return nil
    end,
  },
}
]],
  spec = [[
local testing = require "fstore.testing"

describe("@NAME@", function()
  local @FILE@ = testing.load "@FILE@.lua"
  local given, e = testing.given, testing.events(@FILE@)

  it("shows what is open", function()
    given(@FILE@, e.ThingOpened { title = "first" }):then_document { titles = { "first" } }
  end)

  it("forgets what is closed", function()
    given(@FILE@, e.ThingOpened { title = "first" }, e.ThingClosed()):then_document(nil)
  end)
end)
]],
}

templates.saga = {
  script = [[
-- @NAME@: which commands follow from an event.
-- To run it, name who takes them: decider = fstore.combine(require "first_decider", require "second_decider").
local fstore = require "fstore"

return fstore.saga {
  name = "@NAME@",
  start_at = "-infinity",

  react = {
    ThingClosed = function(event)
      return { { command = "ArchiveThing", decider_id = event.decider_id, data = { reason = "closed" } } }
    end,
  },
}
]],
  spec = [[
local testing = require "fstore.testing"

describe("@NAME@", function()
  local @FILE@ = testing.load "@FILE@.lua"
  local given, e, c = testing.given, testing.events(@FILE@), testing.commands(@FILE@)

  it("archives what is closed", function()
    given(@FILE@):when(e.ThingClosed()):then_commands(c.ArchiveThing({ reason = "closed" }, testing.decider_id))
  end)

  it("leaves all other events alone", function()
    given(@FILE@):when(e.ThingOpened { title = "first" }):then_nothing()
  end)
end)
]],
}

return templates
