-- luacheck itself runs on Lua 5.1 and reads 5.4.
std = "lua54"
max_line_length = 120
max_cyclomatic_complexity = 15
self = false -- a method may leave its object alone
files["spec"] = { std = "+busted" }
files[".ci/luarocks.lua"] = { globals = { "rocks_provided", "external_deps_subdirs" } }
