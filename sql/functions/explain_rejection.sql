CREATE OR REPLACE FUNCTION explain_rejection(
  v_events text[], v_event_ids uuid[], v_deciders text[], v_decider_ids uuid[], v_previous_ids uuid[],
  v_event_versions bigint[]
)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  candidate events;
BEGIN
  FOR candidate IN
    SELECT n.event, n.event_id, coalesce(n.event_version, 1), n.decider, n.decider_id, NULL::jsonb, NULL::uuid,
      n.previous_id, NULL::boolean, NULL::timestamptz, n.place
    FROM unnest(v_events, v_event_ids, v_deciders, v_decider_ids, v_previous_ids, v_event_versions) WITH ORDINALITY
      AS n (event, event_id, decider, decider_id, previous_id, event_version, place)
    ORDER BY n.place
  LOOP
    -- An event behind another of the same set is fenced by that one; its own name can still be unknown.
    IF candidate.previous_id = ANY (v_event_ids[:candidate."offset" - 1]) THEN
      IF NOT EXISTS (
        SELECT FROM deciders AS d
        WHERE d.decider = candidate.decider AND d.event = candidate.event AND d.event_version = candidate.event_version
      ) THEN
        PERFORM reject_event('unknown_event', candidate);
      END IF;
    ELSE
      PERFORM check_event(candidate);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION explain_rejection(text[], uuid[], text[], uuid[], uuid[], bigint[]) IS
  'After a constraint refused a set of events: raises the error of the first that cannot be '
  'appended, in the store''s words.';
