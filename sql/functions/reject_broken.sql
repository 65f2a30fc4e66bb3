CREATE OR REPLACE FUNCTION reject_broken(v_event events)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  previous events;
BEGIN
  IF v_event."offset" <= 0 THEN
    RAISE EXCEPTION 'the offset of an event must be above 0, not %', v_event."offset"
      USING ERRCODE = 'FS008', HINT = 'Leave the offset to the store: progress begins at 0.';
  ELSIF v_event.previous_id IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO previous FROM events AS e
  WHERE e.event_id = v_event.previous_id AND e.decider_id = v_event.decider_id AND e.decider = v_event.decider;
  IF EXISTS (
    SELECT FROM events AS e
    WHERE e.decider_id = v_event.decider_id AND e.decider = v_event.decider AND e.final
      AND e."offset" < v_event."offset"
  ) THEN
    PERFORM reject_event('final', v_event); -- before all else, as the original says it
  ELSIF previous.event_id IS NULL OR previous."offset" >= v_event."offset" THEN
    PERFORM reject_event('wrong_previous', v_event);
  END IF;
END
$$;
COMMENT ON FUNCTION reject_broken(events) IS
  'Raises the error of an event that was inserted behind the wrong one; returns when it follows its stream.';
