CREATE OR REPLACE FUNCTION reject_event(v_kind text, v_event events)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
  stream CONSTANT text := format('%s %s', v_event.decider, v_event.decider_id);
  last events;
  there text;
  near text;
  versions text;
BEGIN
  SELECT * INTO last FROM events AS e
  WHERE e.decider_id = v_event.decider_id AND e.decider = v_event.decider AND e.event_id <> v_event.event_id
  ORDER BY e."offset" DESC LIMIT 1;
  there := CASE WHEN last.event_id IS NULL THEN format('The stream %s has no events.', stream)
    ELSE format('The last event of %s is %s %s at offset %s.', stream, last.event, last.event_id, last."offset") END;

  CASE v_kind
  WHEN 'final' THEN
    RAISE EXCEPTION USING MESSAGE = 'last event for this decider stream is already final. '
      'the stream is closed, you can not append events to it.', ERRCODE = 'FS002', DETAIL = there,
        HINT = 'Start a new stream with another decider_id.';
  WHEN 'not_first' THEN
    RAISE EXCEPTION 'previous_id can only be null for the first decider event'
      USING ERRCODE = 'FS001', DETAIL = there,
        HINT = 'Load the stream, decide again, and name its last event as previous_id.';
  WHEN 'not_last' THEN
    RAISE EXCEPTION 'duplicate key value violates unique constraint "events_previous_id_key"'
      USING ERRCODE = 'FS001', DETAIL = there, CONSTRAINT = 'events_previous_id_key',
        HINT = 'Load the stream, decide again, and name its last event as previous_id.';
  WHEN 'wrong_previous' THEN
    RAISE EXCEPTION 'previous_id must be in the same decider'
      USING ERRCODE = 'FS003', DETAIL = format('previous_id is %s. %s', v_event.previous_id, there),
        HINT = 'previous_id is the event_id of the last event of the same decider and decider_id.';
  WHEN 'duplicate' THEN
    RAISE EXCEPTION 'duplicate key value violates unique constraint "events_event_id_key"'
      USING ERRCODE = 'FS006', DETAIL = format('An event with event_id %s is stored already.', v_event.event_id),
        CONSTRAINT = 'events_event_id_key',
        HINT = 'If this is a repetition of the same append, it has succeeded before.';
  WHEN 'unknown_event' THEN
    SELECT string_agg(d.event_version::text, ', ' ORDER BY d.event_version) INTO versions
    FROM deciders AS d WHERE d.decider = v_event.decider AND d.event = v_event.event;
    SELECT nearest_names(v_event.event, array_agg(DISTINCT d.event)) INTO near
    FROM deciders AS d WHERE d.decider = v_event.decider;
    IF near IS NULL THEN
      SELECT nearest_names(v_event.decider, array_agg(DISTINCT d.decider)) INTO near FROM deciders AS d;
    END IF;
    RAISE EXCEPTION USING MESSAGE = 'insert or update on table "events" violates '
      'foreign key constraint "events_decider_event_event_version_fkey"', ERRCODE = 'FS004',
        CONSTRAINT = 'events_decider_event_event_version_fkey',
        DETAIL = format('The event %s version %s is not registered for decider %s.',
          v_event.event, v_event.event_version, v_event.decider),
        HINT = coalesce('Registered versions: ' || versions || '.', 'Nearest registered names: ' || near || '.',
          'Register it with register_decider_event().');
  END CASE;
END
$$;
COMMENT ON FUNCTION reject_event(text, events) IS
  'Raises the error of a kind for an event: the one place that holds the texts, with what is there and what to do.';
