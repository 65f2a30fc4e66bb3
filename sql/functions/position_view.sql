CREATE OR REPLACE FUNCTION position_view(v_view text, v_start_at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO locks AS l (view, decider_id, "offset", last_offset, locked_until, offset_final)
  SELECT v_view, p.decider_id, p.head, coalesce(p.first_covered - 1, p.head), now(),
    coalesce(p.head = p.last_final, false)
  FROM (
    SELECT e.decider_id, max(e."offset") AS head, max(e."offset") FILTER (WHERE e.final) AS last_final,
      min(e."offset") FILTER (WHERE e.created_at >= v_start_at) AS first_covered
    FROM events AS e
    GROUP BY e.decider_id
  ) AS p
  ORDER BY p.decider_id
  ON CONFLICT ON CONSTRAINT locks_pkey DO UPDATE
  SET "offset" = excluded."offset", last_offset = excluded.last_offset, pending_from = excluded.pending_from,
    offset_final = excluded.offset_final, locked_until = excluded.locked_until, token = nextval('locks_token_seq'),
    leased_offset = 0, attempts = 0, parked_at = NULL, last_error = NULL;
END
$$;
COMMENT ON FUNCTION position_view(text, timestamptz) IS
  'Puts every partition of a view at its first event created at or after a time, and ends the leases on it.';
