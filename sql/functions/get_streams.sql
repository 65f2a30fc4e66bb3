CREATE OR REPLACE FUNCTION get_streams(v_decider_ids uuid[], v_decider text, v_limit integer DEFAULT NULL)
RETURNS SETOF events
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT e.*
  FROM unnest(v_decider_ids) AS s (decider_id)
  CROSS JOIN LATERAL (
    SELECT *
    FROM events
    WHERE decider_id = s.decider_id
      AND decider = v_decider
    ORDER BY "offset"
    LIMIT v_limit
  ) AS e;
END;
COMMENT ON FUNCTION get_streams(uuid[], text, integer) IS
  'The events of several streams of one decider, stream by stream in order, up to v_limit of each.';
