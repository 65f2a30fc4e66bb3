CREATE OR REPLACE FUNCTION stream_events(v_view_name TEXT, v_limit INTEGER DEFAULT 1, v_seconds INTEGER DEFAULT NULL)
RETURNS SETOF events
LANGUAGE sql
BEGIN ATOMIC
  SELECT event, event_id, event_version, decider, decider_id, data, command_id, previous_id, final, created_at, "offset"
  FROM lease_events(v_view_name, v_limit, v_seconds, 1);
END;
COMMENT ON FUNCTION stream_events(text, integer, integer) IS
  'Leases up to v_limit partitions for v_seconds (NULL: the view''s lock_timeout_s) and returns the next event of '
  'each.';
