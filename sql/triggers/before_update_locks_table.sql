CREATE OR REPLACE FUNCTION before_update_locks_table()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at = NOW();
  NEW.pending_from = CASE WHEN NEW.last_offset < NEW."offset" AND NEW.parked_at IS NULL
    THEN coalesce(NEW.pending_from, NEW.last_offset) END;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION before_update_locks_table() IS
  'Trigger: keeps locks.updated_at and locks.pending_from true, whoever writes the row.';

-- What appends, leases, acks and nacks sets both itself: a call for each row would cost more than the rest of a lease.
-- A generated column would be parsed anew by every statement: a tenth of an append with three views.
CREATE OR REPLACE TRIGGER t_before_update_locks_table BEFORE UPDATE ON locks
FOR EACH ROW WHEN (NEW.updated_at = OLD.updated_at)
EXECUTE FUNCTION before_update_locks_table();
COMMENT ON TRIGGER t_before_update_locks_table ON locks IS 'Bumps updated_at, and queues what is pending.';

-- Who inserts a lock without a place in the queue gets it here; an append gives the place itself.
CREATE OR REPLACE TRIGGER t_before_insert_locks_table BEFORE INSERT ON locks
FOR EACH ROW WHEN (NEW.pending_from IS NULL)
EXECUTE FUNCTION before_update_locks_table();
COMMENT ON TRIGGER t_before_insert_locks_table ON locks IS 'Queues what is pending.';
