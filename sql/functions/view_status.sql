CREATE OR REPLACE FUNCTION view_status(v_view text DEFAULT NULL)
RETURNS TABLE (
  "view" text, start_at timestamptz, partitions bigint, pending_partitions bigint, pending_events bigint,
  leased_partitions bigint, parked_partitions bigint, oldest_pending_at timestamptz
)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT v.view, v.start_at, coalesce(l.partitions, 0), coalesce(l.pending_partitions, 0), p.events,
    coalesce(l.leased_partitions, 0), coalesce(l.parked_partitions, 0), p.oldest_at
  FROM views AS v
  LEFT JOIN (
    SELECT k.view, count(*) AS partitions,
      count(k.pending_from) AS pending_partitions,
      count(*) FILTER (WHERE k.pending_from IS NOT NULL AND k.locked_until > now()) AS leased_partitions,
      count(*) FILTER (WHERE k.parked_at IS NOT NULL) AS parked_partitions
    FROM locks AS k
    WHERE k.view = v_view OR v_view IS NULL
    GROUP BY k.view
  ) AS l ON l.view = v.view
  CROSS JOIN LATERAL (
    SELECT count(*) AS events, min(e.created_at) AS oldest_at
    FROM locks AS k JOIN events AS e ON e.decider_id = k.decider_id AND e."offset" > k.last_offset
    WHERE k.view = v.view AND k.pending_from IS NOT NULL
  ) AS p
  WHERE v.view = v_view OR v_view IS NULL
  ORDER BY v.view;
END;
COMMENT ON FUNCTION view_status(text) IS
  'How far each view, or one, has come: partitions, what is pending, leased and parked (this is not pending), and the '
  'oldest pending event.';
