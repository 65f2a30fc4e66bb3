CREATE OR REPLACE FUNCTION register_decider_event(
  v_decider TEXT, v_event TEXT, v_description TEXT, v_event_version BIGINT DEFAULT 1
)
RETURNS SETOF deciders
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO deciders (decider, event, event_version, description)
  VALUES (v_decider, v_event, v_event_version, v_description)
  RETURNING *;
END;
COMMENT ON FUNCTION register_decider_event(text, text, text, bigint) IS
  'Registers one event that a decider may publish; fails when it is registered already.';
