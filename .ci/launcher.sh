#!/bin/sh
# build/bin/fstore-lua: runs the host in place, from any folder and through symlinks, whatever LUA_PATH says.
# Nothing is loaded before the host itself: it sees the standard streams as it was given them.
self=$(readlink -f "$0")
exec lua5.4 -e '
  local root = arg[0]:match("^(.*)/lua/fstore/host/main%.lua$")
  package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(root, root, package.path)
  package.cpath = ("%s/build/lib/?.so;%s"):format(root, package.cpath)
' "${self%/build/bin/*}/lua/fstore/host/main.lua" "$@"
