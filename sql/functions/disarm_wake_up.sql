CREATE OR REPLACE FUNCTION disarm_wake_up()
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM pg_advisory_unlock_shared('events'::regclass::oid::integer, 0);
END
$$;
COMMENT ON FUNCTION disarm_wake_up() IS 'Ends what arm_wake_up() began: the session no longer waits.';
