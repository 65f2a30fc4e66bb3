CREATE OR REPLACE FUNCTION check_event_row()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM check_event(NEW);
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION check_event_row() IS 'Trigger: gives a bare INSERT the store''s own error texts.';

-- Only a courtesy: the guarantees are the indexes and t_on_insert_on_events, which no setting can switch off.
CREATE OR REPLACE TRIGGER t_check_event_row BEFORE INSERT ON events
FOR EACH ROW WHEN (current_setting('fstore.checked', true) IS DISTINCT FROM 'by statement')
EXECUTE FUNCTION check_event_row();
COMMENT ON TRIGGER t_check_event_row ON events IS
  'Checks each row of a bare INSERT; append_event and append_events explain a rejection afterwards instead.';
