CREATE OR REPLACE FUNCTION read_events(
  v_after bigint DEFAULT 0, v_limit integer DEFAULT NULL, v_decider text DEFAULT NULL, v_decider_id uuid DEFAULT NULL
)
RETURNS SETOF events
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT *
  FROM events
  WHERE "offset" > v_after
    AND (v_decider IS NULL OR decider = v_decider)
    AND (v_decider_id IS NULL OR decider_id = v_decider_id)
  ORDER BY "offset"
  LIMIT v_limit;
END;
COMMENT ON FUNCTION read_events(bigint, integer, text, uuid) IS
  'A page of the log behind an offset, of all events, of one decider''s, or of one partition''s. Not for consumers: a '
  'transaction that is still open may commit an event behind this page.';
