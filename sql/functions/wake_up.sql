CREATE OR REPLACE FUNCTION wake_up()
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  waiting CONSTANT integer := 'events'::regclass::oid::integer;
BEGIN
  -- NOTIFY serialises commits, so it is sent only when somebody waits. A false alarm costs one notification.
  IF NOT (pg_try_advisory_lock(waiting, 0) AND pg_advisory_unlock(waiting, 0)) THEN
    PERFORM pg_notify(current_schema() || '.events', '');
  END IF;
END
$$;
COMMENT ON FUNCTION wake_up() IS 'Notifies the sessions that wait for events, if there are any.';
