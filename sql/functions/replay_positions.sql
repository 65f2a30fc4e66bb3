CREATE OR REPLACE FUNCTION replay_positions(
  v_view text, v_from_time timestamptz DEFAULT NULL, v_from_offset bigint DEFAULT NULL, v_decider text DEFAULT NULL,
  v_decider_id uuid DEFAULT NULL, v_after uuid DEFAULT NULL, v_limit integer DEFAULT NULL
)
RETURNS TABLE (decider_id uuid, from_offset bigint, events bigint, is_parked boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- A partition goes back to the first event that is asked for, if the view has handled that one; all behind it follow.
  SELECT l.decider_id, f."offset" - 1, (
      SELECT count(*) FROM events AS e
      WHERE e.decider_id = l.decider_id AND e."offset" BETWEEN f."offset" AND l.last_offset
    ), l.parked_at IS NOT NULL
  FROM views AS v
  JOIN locks AS l ON l.view = v.view
  CROSS JOIN LATERAL (
    SELECT e."offset" FROM events AS e
    WHERE e.decider_id = l.decider_id
      AND e."offset" BETWEEN coalesce(v_from_offset, 0) AND l.last_offset
      AND e.created_at >= coalesce(v_from_time, CASE WHEN v_from_offset IS NULL THEN v.start_at ELSE '-infinity' END)
      AND (v_decider IS NULL OR e.decider = v_decider)
    ORDER BY e."offset"
    LIMIT 1
  ) AS f
  WHERE v.view = v_view
    AND (v_decider_id IS NULL OR l.decider_id = v_decider_id)
    AND (v_after IS NULL OR l.decider_id > v_after)
  ORDER BY l.decider_id
  LIMIT v_limit;
END;
COMMENT ON FUNCTION replay_positions(text, timestamptz, bigint, text, uuid, uuid, integer) IS
  'What replay_view() with the same arguments would do: where each partition goes back to, and how many handled events '
  'come again.';
