CREATE OR REPLACE FUNCTION get_last_event(v_decider_id UUID, v_decider TEXT)
RETURNS SETOF events
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT *
  FROM events
  WHERE decider_id = v_decider_id
    AND decider = v_decider
  ORDER BY "offset" DESC
  LIMIT 1;
END;
COMMENT ON FUNCTION get_last_event(uuid, text) IS 'The last event of one stream; no row when it has none.';
