--- A table that lives as long as the test process. (busted loads modules anew for each spec file, so that a module's
--- own variables live as long as a file only.)

---@param name string
---@return table
return function(name)
  local registry, key = debug.getregistry(), "fstore.spec." .. name
  registry[key] = registry[key] or {}
  return registry[key]
end
