CREATE OR REPLACE FUNCTION on_insert_or_update_on_views()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a view can be registered or repositioned only in a READ COMMITTED transaction'
      USING ERRCODE = 'FS008', HINT = 'An older snapshot would miss events that were committed meanwhile.';
  END IF;
  IF NEW.is_filled THEN
    -- Waits for the appends in flight and holds up new ones until commit: none slips between the log and the new locks.
    LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
    PERFORM position_view(NEW.view, NEW.start_at);
  END IF;
  UPDATE view_registrations SET registered_at = now();
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION on_insert_or_update_on_views() IS
  'Trigger: gives a new view, or one whose start_at changed, its locks on every partition of the log (I6).';

CREATE OR REPLACE TRIGGER t_on_insert_on_views AFTER INSERT ON views
FOR EACH ROW EXECUTE FUNCTION on_insert_or_update_on_views();
COMMENT ON TRIGGER t_on_insert_on_views ON views IS 'A new view starts at its start_at.';
CREATE OR REPLACE TRIGGER t_on_update_on_views AFTER UPDATE ON views
FOR EACH ROW WHEN (NEW.start_at <> OLD.start_at)
EXECUTE FUNCTION on_insert_or_update_on_views();
COMMENT ON TRIGGER t_on_update_on_views ON views IS
  'Only a new start_at repositions a view: all else keeps its progress.';
