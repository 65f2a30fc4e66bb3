CREATE OR REPLACE FUNCTION arm_wake_up()
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  EXECUTE format('LISTEN %I', current_schema() || '.events');
  -- Held by the session while it waits; an append that cannot take this lock knows that someone does.
  PERFORM pg_advisory_lock_shared('events'::regclass::oid::integer, 0);
END
$$;
COMMENT ON FUNCTION arm_wake_up() IS
  'Marks the session as waiting: the next append notifies channel "<schema>.events". Poll once more before waiting.';
