CREATE OR REPLACE FUNCTION ack_event(v_view TEXT, v_decider_id UUID, v_offset BIGINT, v_token BIGINT DEFAULT NULL)
RETURNS SETOF locks
LANGUAGE sql
BEGIN ATOMIC
  SELECT * FROM ack_events(v_view, ARRAY[v_decider_id], ARRAY[v_offset], ARRAY[v_token]);
END;
COMMENT ON FUNCTION ack_event(text, uuid, bigint, bigint) IS
  'Records that an event was handled and frees its partition. A late ack, or one past the head, changes nothing.';
