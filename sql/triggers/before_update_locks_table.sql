CREATE OR REPLACE FUNCTION before_update_locks_table()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at = NOW();
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION before_update_locks_table() IS 'Trigger: keeps locks.updated_at true under a bare UPDATE.';

-- The store's own functions set updated_at themselves: a call for each row would cost more than the rest of a lease.
CREATE OR REPLACE TRIGGER t_before_update_locks_table BEFORE UPDATE ON locks
FOR EACH ROW WHEN (NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at)
EXECUTE FUNCTION before_update_locks_table();
COMMENT ON TRIGGER t_before_update_locks_table ON locks IS 'Bumps updated_at.';
