CREATE OR REPLACE FUNCTION consumer_faults(v_seconds bigint DEFAULT 300)
RETURNS TABLE (finding text, "view" text, decider text, decider_id uuid, "offset" bigint, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT 'expired_lease', l.view, NULL::text, l.decider_id, l.last_offset,
    format('the lease of attempt %s ended at %s and nobody took the next', l.attempts, l.locked_until)
  FROM locks AS l
  WHERE l.pending_from IS NOT NULL AND l.attempts > 0 AND l.locked_until < now() - make_interval(secs => v_seconds)
  UNION ALL
  SELECT 'parked', l.view, NULL, l.decider_id, l.last_offset,
    format('after %s attempts, at %s: %s', l.attempts, l.parked_at, coalesce(l.last_error, 'no error was given'))
  FROM locks AS l
  WHERE l.parked_at IS NOT NULL
  UNION ALL
  -- The front of the view's queue stands for all behind it: one look-up, however much is pending.
  SELECT 'lagging_view', v.view, NULL, front.decider_id, front."offset",
    format('its oldest pending event is of %s, in one of %s pending partitions', front.created_at, (
      SELECT count(*) FROM locks AS k WHERE k.view = v.view AND k.pending_from IS NOT NULL))
  FROM views AS v
  CROSS JOIN LATERAL (
    SELECT e.decider_id, e."offset", e.created_at
    FROM (
      SELECT * FROM locks AS k
      WHERE k.view = v.view AND k.pending_from IS NOT NULL ORDER BY k.pending_from LIMIT 1
    ) AS l
    CROSS JOIN LATERAL (
      SELECT * FROM events AS n
      WHERE n.decider_id = l.decider_id AND n."offset" > l.last_offset ORDER BY n."offset" LIMIT 1
    ) AS e
  ) AS front
  WHERE front.created_at < now() - make_interval(secs => v_seconds);
END;
COMMENT ON FUNCTION consumer_faults(bigint) IS
  'Partitions whose lease expired and parked ones, and views whose oldest pending event is older than v_seconds.';
