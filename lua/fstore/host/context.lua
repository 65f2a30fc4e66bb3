--- What every command shares: the store it works on, and where it speaks.
local errors = require "fstore.errors"
local output = require "fstore.host.output"
local store = require "fstore.store"

---@class fstore.host.Context
---@field data_dir string folder of the embedded PostgreSQL
---@field schema string
---@field verbose boolean
---@field output fstore.host.Output data, on stdout
---@field say fun(text: string) messages, on stderr
---@field out fun(line: string) a line of data
local Context = {}
Context.__index = Context

local context = {}

local function say(text)
  io.stderr:write(text .. "\n") -- as a whole: workers write to the same place
end

---@param args table of the command line
---@return fstore.host.Context
function context.new(args)
  local out = output.new(args.json)
  return setmetatable({
    db = args.db or os.getenv("FSTORE_URL"), data_dir = args.data_dir, schema = args.schema, verbose = args.verbose,
    output = out, say = say, out = function(line) out:line(line) end,
  }, Context)
end

local LIBPQ <const> = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE" }

---What names the database, for libpq; nil: nothing does, the embedded one is meant. libpq's own variables count when
---one of them says where it is.
---@return string? conninfo
function Context:conninfo()
  if self.db then
    return self.db
  end
  for _, name in ipairs(LIBPQ) do
    if os.getenv(name) then
      return ""
    end
  end
  return nil
end

local function open_named(self, named)
  local opened, err = store.connect(named, { schema = self.schema })
  if not opened then
    err.message = "cannot reach the database: " .. err.message
    error(err, 0)
  end
  return opened
end

local function open_embedded(self)
  self.say("fstore-lua: using the embedded PostgreSQL in " .. self.data_dir)
  local opened, err = store.embedded(self.data_dir, { schema = self.schema })
  if not opened then
    error(err, 0)
  end
  return opened
end

---The database, whether it holds a store or not; opened when first asked for.
---@return fstore.Store
function Context:database()
  if not self.opened then
    local named = self:conninfo()
    self.opened = named and open_named(self, named) or open_embedded(self)
    self.is_ours = not named
  end
  return self.opened
end

---The store. A database of our own gets the schema by itself; that of another is the operator's to prepare.
---@return fstore.Store
function Context:store()
  local opened = self:database()
  local installed, err = opened:is_installed()
  if not installed and not err and self.is_ours then
    installed, err = opened:migrate()
  end
  if not installed then
    error(err or errors.new("no_schema", ("schema %q holds no store"):format(self.schema),
      { hint = "run `fstore-lua init` first, or name another schema with --schema" }), 0)
  end
  return opened
end

---Closes what was opened; `store` opens it again.
function Context:close()
  if self.opened then
    self.opened:close()
    self.opened = nil
  end
end

Context.__close = Context.close

return context
