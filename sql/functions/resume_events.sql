CREATE OR REPLACE FUNCTION resume_events(
  v_view text, v_decider_ids uuid[] DEFAULT NULL, v_skip boolean DEFAULT false
)
RETURNS SETOF locks
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  -- I6: the event to skip is looked up in a snapshot that is taken when the locks are held. In an older one an event
  -- committed in between, ahead of it, would be skipped as well.
  PERFORM FROM locks AS l
  WHERE l.view = v_view AND l.parked_at IS NOT NULL AND (v_decider_ids IS NULL OR l.decider_id = ANY (v_decider_ids))
  ORDER BY l.decider_id
  FOR UPDATE;
  RETURN QUERY
    UPDATE locks AS l
    SET parked_at = NULL, locked_until = now(), attempts = 0, last_error = NULL,
      last_offset = CASE WHEN v_skip THEN coalesce((
          SELECT e."offset" FROM events AS e
          WHERE e.decider_id = l.decider_id AND e."offset" > l.last_offset
          ORDER BY e."offset" LIMIT 1
        ), l.last_offset) ELSE l.last_offset END
    WHERE l.view = v_view AND l.parked_at IS NOT NULL AND (v_decider_ids IS NULL OR l.decider_id = ANY (v_decider_ids))
    RETURNING l.*;
  PERFORM wake_up();
END
$$;
COMMENT ON FUNCTION resume_events(text, uuid[], boolean) IS
  'Takes parked partitions (NULL: all) back where they stopped, or with v_skip behind the event that they stopped at.';
