#!/bin/sh
# Imports the history of a git repository, projects the current tree out of it and compares that with git's own:
#   run.sh REPOSITORY [options of fstore-lua: --db URL, --schema NAME, --data-dir FOLDER]
# It can be run again, for the commits that came since.
set -eu

if [ $# -eq 0 ]; then
  echo "usage: run.sh REPOSITORY [options of fstore-lua]" >&2
  exit 2
fi
repository=$1
shift

here=$(dirname "$0")
fstore=$here/../../build/bin/fstore-lua
[ -x "$fstore" ] || fstore="fstore-lua"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

commit=$(git -C "$repository" rev-parse --quiet --verify 'HEAD^{commit}') || {
  echo "run.sh: $repository is not a git repository, or has no commits yet" >&2
  exit 1
}

"$fstore" "$@" init

# A pipe gives away the exit code of its last part only.
status=0
{ lua5.4 "$here/to_commands.lua" "$repository" "$commit" || touch "$work/failed"; } |
  "$fstore" "$@" handle "$here/file.lua" >/dev/null || status=$?
if [ $status -eq 1 ]; then
  echo "run.sh: the store holds another history of these files; import this one into a new store or --schema" >&2
fi
[ $status -eq 0 ] || exit $status
[ ! -e "$work/failed" ] || exit 1

"$fstore" "$@" project --once "$here/tree.lua"
lua5.4 "$here/check.lua" "$repository" "$commit" "$@"
