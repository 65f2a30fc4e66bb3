CREATE OR REPLACE FUNCTION lock_faults()
RETURNS TABLE (finding text, "view" text, decider text, decider_id uuid, "offset" bigint, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH heads AS (
    SELECT e.decider_id, max(e."offset") AS head FROM events AS e GROUP BY e.decider_id
  ), due AS (
    SELECT v.view, v.is_filled, h.decider_id, h.head FROM views AS v CROSS JOIN heads AS h
  )
  SELECT CASE
      WHEN l.view IS NULL THEN CASE WHEN d.is_filled THEN 'missing_lock' ELSE 'unfilled_view' END
      WHEN l.last_offset > coalesce(d.head, 0) THEN 'progress_past_head'
      WHEN l."offset" < d.head THEN 'head_behind'
      WHEN l."offset" > coalesce(d.head, 0) THEN 'head_beyond'
      ELSE 'wrongly_queued' END,
    coalesce(l.view, d.view), NULL, coalesce(l.decider_id, d.decider_id), coalesce(d.head, 0),
    format('the last event is at %s, the lock says %s, handled up to %s, pending from %s',
      coalesce(d.head, 0), coalesce(l."offset"::text, 'nothing'), coalesce(l.last_offset::text, 'nothing'),
      coalesce(l.pending_from::text, 'nowhere'))
  FROM due AS d
  FULL JOIN locks AS l ON l.view = d.view AND l.decider_id = d.decider_id
  WHERE l.view IS NULL OR l."offset" <> coalesce(d.head, 0) OR l.last_offset > coalesce(d.head, 0)
    OR (l.last_offset < l."offset" AND l.parked_at IS NULL) <> (l.pending_from IS NOT NULL);
END;
COMMENT ON FUNCTION lock_faults() IS
  'Every partition that a view would miss, or be misled about (I6). Reads the whole log and all locks once.';
