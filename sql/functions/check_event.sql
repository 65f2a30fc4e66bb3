CREATE OR REPLACE FUNCTION check_event(v_event events)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
  last events;
BEGIN
  -- In the original's order: final, first, previous; then what its constraints said.
  SELECT * INTO last FROM events AS e
  WHERE e.decider_id = v_event.decider_id AND e.decider = v_event.decider AND e.event_id <> v_event.event_id
  ORDER BY e."offset" DESC LIMIT 1;
  IF last.final THEN
    PERFORM reject_event('final', v_event);
  ELSIF EXISTS (SELECT FROM events AS e WHERE e.event_id = v_event.event_id) THEN
    PERFORM reject_event('duplicate', v_event);
  ELSIF v_event.previous_id IS NULL AND last.event_id IS NOT NULL THEN
    PERFORM reject_event('not_first', v_event);
  ELSIF v_event.previous_id <> last.event_id AND EXISTS (
    SELECT FROM events AS e
    WHERE e.event_id = v_event.previous_id AND e.decider_id = v_event.decider_id AND e.decider = v_event.decider
  ) THEN
    PERFORM reject_event('not_last', v_event);
  ELSIF v_event.previous_id IS DISTINCT FROM last.event_id THEN
    PERFORM reject_event('wrong_previous', v_event);
  ELSIF NOT EXISTS (
    SELECT FROM deciders AS d
    WHERE d.decider = v_event.decider AND d.event = v_event.event AND d.event_version = v_event.event_version
  ) THEN
    PERFORM reject_event('unknown_event', v_event);
  END IF;
END
$$;
COMMENT ON FUNCTION check_event(events) IS
  'Raises the error that says why an event cannot be appended to its stream as it stands; returns when it can.';
