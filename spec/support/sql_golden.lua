--- What is checked in of installed schemas, and how it is made anew: `make golden`, and with SEED=file the facts about
--- the original schema too.
local catalogue = require "spec.support.sql_catalogue"
local core = require "fstore.core"
local process = require "fstore.embedded.process"
local store = require "spec.support.sql_store"

local golden = { dump = "spec/sql/golden.dump", original = "spec/sql/original_catalogue.json" }

--- Names the server's major version, for each writes a dump in its own way.
---@param here spec.sql.Store
---@return string
function golden.first_line(here)
  local client <close> = here:client()
  return ("-- PostgreSQL %d"):format(client:value("SELECT current_setting('server_version_num')::int / 10000"))
end

--- The installed schema as pg_dump writes it, less what depends on the day or the programs.
---@param here spec.sql.Store
---@return string
function golden.read_dump(here)
  local code, dump = process.run { "pg_dump", "--schema-only", "--no-owner", "--schema=fstore", "-d", here.conninfo }
  assert(code == 0, "pg_dump failed")
  local lines = { golden.first_line(here) }
  for line in dump:gmatch("[^\n]+") do
    local is_noise = line:find("^%-%-") or line:find("^SET ") or line:find("^\\") or line:find("set_config", 1, true)
    if not is_noise then lines[#lines + 1] = line:gsub("%s+$", "") end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The facts about the original schema, from its file, as JSON text.
---@return string
function golden.read_original()
  local there <close> = store.open()
  local client <close> = there:client()
  return client:value("SELECT jsonb_pretty($1)", core.json.encode(catalogue.read(client, there.schema))) .. "\n"
end

--- The facts that are checked in.
---@return spec.sql.Catalogue
function golden.original_facts()
  local file <close> = assert(io.open(golden.original))
  return (assert(core.json.decode(file:read("a"))))
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  print("wrote " .. path)
end

--- Writes the checked-in files anew.
function golden.refresh()
  local here <close> = store.open_ours()
  write(golden.dump, golden.read_dump(here))
  if store.seed then write(golden.original, golden.read_original()) end
end

return golden
