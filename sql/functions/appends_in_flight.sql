CREATE OR REPLACE FUNCTION appends_in_flight()
RETURNS SETOF text
LANGUAGE sql
BEGIN ATOMIC
  SELECT l.virtualtransaction
  FROM pg_locks AS l
  WHERE l.locktype = 'relation'
    AND l.relation = 'events'::regclass
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND l.mode = 'RowExclusiveLock'
    AND l.pid IS DISTINCT FROM pg_backend_pid(); -- a prepared transaction has none
END;
COMMENT ON FUNCTION appends_in_flight() IS
  'The transactions that have appended, or are about to. One that began before a view was registered did not see it.';
