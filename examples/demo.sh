#!/bin/sh
# The main job, end to end, on a fresh embedded PostgreSQL: commands in, events stored, a projection out.
set -eu

cd "$(dirname "$0")/.."
data=build/demo
events=build/demo-events.ndjson

heading() {
  printf '\n== %s\n' "$1"
}

fstore() {
  build/bin/fstore-lua --data-dir "$data" "$@"
}

# Says what it runs.
run() {
  echo "\$ fstore-lua $*"
  fstore "$@"
}

query() {
  fstore db psql -Xq -P footer=off -c "$1"
}

stop() {
  fstore db stop >/dev/null 2>&1 || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -e "$data" ]; then fstore db destroy --yes --force; fi

heading "Orders: 37 commands, of which the domain refuses nine"
run init
echo "\$ fstore-lua handle --keep-going examples/orders/order.lua < examples/orders/commands.ndjson"
status=0
fstore handle --keep-going examples/orders/order.lua <examples/orders/commands.ndjson >$events || status=$?
[ $status -le 1 ] || exit $status
echo "$(wc -l <$events) events stored, this one last:"
tail -n 1 $events

heading "Orders: the read models"
run project --once examples/orders/orders_by_status.lua examples/orders/order_documents.lua
query "select number, customer, status, items, to_char(total_cents / 100.0, 'FM999990.00') as total
       from orders_by_status order by number"
query "select document->>'number' as number, document->'story'->-1->>'text' as latest, document->'lines' as lines
       from order_documents order by 1"

heading "Orders: one of them, folded from its events"
run state examples/orders/order.lua order-1006

heading "Restaurant: two deciders, and a saga between them, in one transaction"
run check examples/restaurant/restaurant.lua examples/restaurant/order.lua examples/restaurant/order_placement.lua
echo "\$ fstore-lua handle --keep-going examples/restaurant/order_placement.lua < examples/restaurant/commands.ndjson"
status=0
fstore handle --keep-going examples/restaurant/order_placement.lua <examples/restaurant/commands.ndjson >$events ||
  status=$?
[ $status -le 1 ] || exit $status
run project --once examples/restaurant/restaurant_view.lua examples/restaurant/order_view.lua
query "select document->>'order_id' as \"order\", document->>'status' as status, document->'items' as items
       from order_view order by 1"

heading "Git history: this very repository"
if git rev-parse --quiet --verify 'HEAD^{commit}' >/dev/null 2>&1; then
  examples/git_history/run.sh . --data-dir "$data"
  query "select event, count(*) from events where decider = 'File' group by event order by event"
else
  echo "skipped: this folder is not a git checkout with commits"
fi
