CREATE OR REPLACE FUNCTION get_events(
  v_decider_id UUID, v_decider TEXT, v_after BIGINT DEFAULT 0, v_limit INTEGER DEFAULT NULL
)
RETURNS SETOF events
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT *
  FROM events
  WHERE decider_id = v_decider_id
    AND decider = v_decider
    AND "offset" > v_after
  ORDER BY "offset"
  LIMIT v_limit;
END;
COMMENT ON FUNCTION get_events(uuid, text, bigint, integer) IS
  'The events of one stream in order; with v_after and v_limit a page of them.';
