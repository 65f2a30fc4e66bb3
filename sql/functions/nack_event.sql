CREATE OR REPLACE FUNCTION nack_event(v_view TEXT, v_decider_id UUID, v_token BIGINT DEFAULT NULL)
RETURNS SETOF locks
LANGUAGE sql
BEGIN ATOMIC
  SELECT * FROM nack_events(v_view, ARRAY[v_decider_id], ARRAY[v_token]);
END;
COMMENT ON FUNCTION nack_event(text, uuid, bigint) IS 'Frees a partition so that its event is streamed again at once.';
