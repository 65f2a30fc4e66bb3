-- Optional: roles that use the store without owning it: psql -v schema=NAME -v prefix=NAME -f sql/roles.sql
--   PREFIX_read     reads every stream and the log
--   PREFIX_append   appends to the deciders that append_grants names for it, and reads their streams
--   PREFIX_consume  leases, acks and nacks events of every view, and reads as PREFIX_read does
-- All through functions: none of them has a right on a table. Run it as the owner of the store; it takes CREATEROLE
-- only when the roles are not there yet. Then say who is what:
--   GRANT fstore_append TO shop;  INSERT INTO fstore.append_grants VALUES ('Order', 'shop');
-- Safe to run again. An upgrade of the store keeps all this. `fstore-lua init --roles` does the same.
\set ON_ERROR_STOP on
\if :{?schema}
\else
\set schema fstore
\endif
\if :{?prefix}
\else
\set prefix fstore
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
SELECT set_config('fstore.schema', :'schema', true), set_config('fstore.role_prefix', :'prefix', true) \g /dev/null
\ir roles/create_roles.sql
\ir roles/check_access.sql
\ir roles/secure_functions.sql
COMMIT;
