CREATE OR REPLACE FUNCTION append_event(
  v_event TEXT, v_event_id UUID, v_decider TEXT, v_decider_id UUID, v_data JSONB, v_command_id UUID, v_previous_id UUID,
  v_event_version BIGINT DEFAULT 1, v_final BOOLEAN DEFAULT FALSE
)
RETURNS SETOF events
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  checked text; -- assigned: a PERFORM would be a query, which costs a tenth of an append
BEGIN
  checked := set_config('fstore.checked', 'by statement', true); -- as a SET clause it would take a superuser
  RETURN QUERY
    INSERT INTO events AS e (event, event_id, event_version, decider, decider_id, data, command_id, previous_id, final)
    VALUES (v_event, v_event_id, v_event_version, v_decider, v_decider_id, v_data, v_command_id, v_previous_id, v_final)
    RETURNING e.*;
  checked := set_config('fstore.checked', '', true);
EXCEPTION WHEN unique_violation OR foreign_key_violation THEN
  PERFORM explain_rejection(
    ARRAY[v_event], ARRAY[v_event_id], ARRAY[v_decider], ARRAY[v_decider_id], ARRAY[v_previous_id],
    ARRAY[v_event_version]
  );
  RAISE;
END
$$;
COMMENT ON FUNCTION append_event(text, uuid, text, uuid, jsonb, uuid, uuid, bigint, boolean) IS
  'Appends one event to its stream; previous_id names the event that the caller saw last there, NULL when none.';
