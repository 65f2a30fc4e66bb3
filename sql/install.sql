-- Installs or upgrades the whole store: psql -f sql/install.sql [-v schema=NAME] [-v adopt=on]   (default: fstore)
-- adopt=on: the schema is one that the original schema.sql made; it is brought under the contract, with all its data.
-- Needs no extension and no superuser, only the right to create the schema or objects in it. Safe to run again.
-- `fstore-lua init` reads this same list: every \ir line, in this order.
\set ON_ERROR_STOP on
\if :{?schema}
\else
\set schema fstore
\endif
\if :{?adopt}
\else
\set adopt off
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SELECT set_config('fstore.schema', :'schema', true), set_config('fstore.adopt', :'adopt', true) \g /dev/null
\ir preflight.sql
\ir adopt/recognize.sql

SELECT NOT EXISTS (SELECT FROM fstore_migrations WHERE version = 1) AS missing \gset
\if :missing
\ir migrations/0001_event_sourcing.sql
\endif
SELECT NOT EXISTS (SELECT FROM fstore_migrations WHERE version = 2) AS missing \gset
\if :missing
\ir migrations/0002_event_streaming.sql
\endif
\ir adopt/take_over.sql
\ir adopt/follow_model.sql
SELECT NOT EXISTS (SELECT FROM fstore_migrations WHERE version = 3) AS missing \gset
\if :missing
\ir migrations/0003_commands.sql
\endif

-- errors
\ir functions/error_kinds.sql
\ir functions/nearest_names.sql
\ir functions/reject_event.sql

-- event sourcing
\ir functions/check_event.sql
\ir functions/reject_broken.sql
\ir functions/refuse_overtaken.sql
\ir functions/explain_rejection.sql
\ir functions/register_decider_event.sql
\ir functions/register_decider_events.sql
\ir functions/append_event.sql
\ir functions/append_events.sql
\ir functions/get_events.sql
\ir functions/get_streams.sql
\ir functions/get_last_event.sql
\ir functions/read_events.sql
\ir functions/record_commands.sql
\ir functions/handled_commands.sql

-- event streaming
\ir functions/arm_wake_up.sql
\ir functions/disarm_wake_up.sql
\ir functions/wake_up.sql
\ir functions/start_of.sql
\ir functions/position_view.sql
\ir functions/fill_view.sql
\ir functions/appends_in_flight.sql
\ir functions/log_horizon.sql
\ir functions/register_view.sql
\ir functions/lease_events.sql
\ir functions/stream_events.sql
\ir functions/ack_events.sql
\ir functions/ack_event.sql
\ir functions/nack_events.sql
\ir functions/nack_event.sql
\ir functions/schedule_nack_event.sql
\ir functions/extend_leases.sql
\ir functions/return_leases.sql
\ir functions/free_orphaned_leases.sql
\ir functions/park_events.sql
\ir functions/resume_events.sql
\ir functions/parked_events.sql
\ir functions/replay_positions.sql
\ir functions/replay_view.sql
\ir functions/pending_events.sql
\ir functions/view_status.sql

-- the operator's
\ir functions/stream_faults.sql
\ir functions/lock_faults.sql
\ir functions/repair_locks.sql
\ir functions/guard_faults.sql
\ir functions/repair_guards.sql
\ir functions/consumer_faults.sql
\ir functions/session_faults.sql

-- what every write goes through, whoever makes it
\ir triggers/refuse_truncate.sql
\ir triggers/check_event_row.sql
\ir triggers/on_insert_on_events.sql
\ir triggers/before_update_views_table.sql
\ir triggers/before_update_locks_table.sql
\ir triggers/on_insert_or_update_on_views.sql

\ir adopt/reconcile.sql
\ir roles/secure_functions.sql
COMMIT;
