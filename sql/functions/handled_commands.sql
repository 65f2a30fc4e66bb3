CREATE OR REPLACE FUNCTION handled_commands(v_command_ids uuid[])
RETURNS TABLE (command_id uuid, digest uuid, decider text, decider_id uuid, first_offset bigint, events bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT c.command_id, c.digest, e.decider, e.decider_id, min(e."offset"), count(e."offset")
  FROM commands AS c
  LEFT JOIN LATERAL (
    SELECT n.* FROM unnest(c.event_ids) AS i (event_id) JOIN events AS n ON n.event_id = i.event_id
  ) AS e ON true
  WHERE c.command_id = ANY (v_command_ids)
  GROUP BY c.command_id, c.digest, e.decider, e.decider_id
  ORDER BY c.command_id, min(e."offset");
END;
COMMENT ON FUNCTION handled_commands(uuid[]) IS
  'Of these commands, those handled before: where the events they led to begin in each stream, and how many they are.';
