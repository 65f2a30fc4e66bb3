CREATE OR REPLACE FUNCTION parked_events(v_view text DEFAULT NULL)
RETURNS TABLE (
  "view" text, decider_id uuid, attempts integer, parked_at timestamptz, "offset" bigint, decider text, event text,
  event_id uuid, last_error text
)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT l.view, l.decider_id, l.attempts, l.parked_at, n."offset", n.decider, n.event, n.event_id, l.last_error
  FROM locks AS l
  LEFT JOIN LATERAL (
    SELECT e."offset", e.decider, e.event, e.event_id FROM events AS e
    WHERE e.decider_id = l.decider_id AND e."offset" > l.last_offset
    ORDER BY e."offset"
    LIMIT 1
  ) AS n ON true
  WHERE l.parked_at IS NOT NULL AND (l.view = v_view OR v_view IS NULL)
  ORDER BY l.view, l.parked_at, l.decider_id;
END;
COMMENT ON FUNCTION parked_events(text) IS
  'The parked partitions of a view, or of all: since when, after how many attempts, at which event, and '
  'what went wrong.';
