CREATE OR REPLACE FUNCTION pending_events(v_view text, v_until bigint, v_decider_id uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT count(*)
  FROM locks AS l
  JOIN events AS e ON e.decider_id = l.decider_id AND e."offset" > l.last_offset AND e."offset" <= v_until
  WHERE l.view = v_view AND l.pending_from IS NOT NULL AND (v_decider_id IS NULL OR l.decider_id = v_decider_id);
END;
COMMENT ON FUNCTION pending_events(text, bigint, uuid) IS
  'How many events up to an offset a view has yet to handle, in all partitions or in one; those parked do not count.';
