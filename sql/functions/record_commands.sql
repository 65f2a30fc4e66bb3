CREATE OR REPLACE FUNCTION record_commands(v_commands jsonb)
RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO commands (command_id, digest, event_ids)
  SELECT c.command_id, c.digest, c.event_ids
  FROM jsonb_to_recordset(v_commands) AS c (command_id uuid, digest uuid, event_ids uuid[])
  ORDER BY c.command_id; -- one order of locking for everybody: no deadlocks between repetitions
END;
COMMENT ON FUNCTION record_commands(jsonb) IS
  'Records commands, a list of {command_id, digest, event_ids}, in the transaction that appends their events.';
