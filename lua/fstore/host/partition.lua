--- The partition that a command line names: a UUID, or a business key of a decider.
local core = require "fstore.core"
local errors = require "fstore.errors"
local ids = require "fstore.ids"

local partition = {}

---@param parser table argparse's
function partition.add_decider(parser)
  parser:option "--decider" :argname "NAME" :description "The decider whose business key ID is."
end

---@param id string? nil: none is named
---@param decider string? its name, the namespace of business keys
---@return string? decider_id
function partition.id(id, decider)
  if not id then
    return nil
  elseif decider or core.uuid.is_uuid(id) then
    return ids.decider_id(decider or "", id)
  end
  error(errors.new("usage", ("%s is a business key: name its decider with --decider"):format(id)), 0)
end

return partition
