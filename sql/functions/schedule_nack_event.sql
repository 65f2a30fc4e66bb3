CREATE OR REPLACE FUNCTION schedule_nack_event(
  v_view TEXT, v_decider_id UUID, v_milliseconds BIGINT, v_token BIGINT DEFAULT NULL
)
RETURNS SETOF locks
LANGUAGE sql
BEGIN ATOMIC
  SELECT * FROM nack_events(v_view, ARRAY[v_decider_id], ARRAY[v_token], ARRAY[v_milliseconds]);
END;
COMMENT ON FUNCTION schedule_nack_event(text, uuid, bigint, bigint) IS
  'Frees a partition after a delay, so that its event is streamed again then.';
