CREATE OR REPLACE FUNCTION stream_faults()
RETURNS TABLE (finding text, "view" text, decider text, decider_id uuid, "offset" bigint, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH placed AS (
    SELECT e.decider, e.decider_id, e."offset", e.event, e.event_id, e.previous_id,
      lag(e.event_id) OVER stream AS before_id,
      max(e."offset") FILTER (WHERE e.final)
        OVER (stream ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS final_offset
    FROM events AS e
    WINDOW stream AS (PARTITION BY e.decider_id, e.decider ORDER BY e."offset")
  ), suspect AS MATERIALIZED (
    SELECT * FROM placed WHERE previous_id IS DISTINCT FROM before_id OR final_offset IS NOT NULL
  )
  SELECT 'second_first', NULL, s.decider, s.decider_id, s."offset",
    format('%s %s has no previous_id, and is not the first of its stream', s.event, s.event_id)
  FROM suspect AS s
  WHERE s.previous_id IS NULL AND s.before_id IS NOT NULL
  UNION ALL
  SELECT CASE
      WHEN p.event_id IS NULL THEN 'missing_previous'
      WHEN p."offset" >= s."offset" THEN 'out_of_order'
      WHEN EXISTS (
        SELECT FROM events AS t
        WHERE t.previous_id = s.previous_id AND t."offset" < s."offset" AND t.decider_id = s.decider_id
          AND t.decider = s.decider
      ) THEN 'second_successor'
      ELSE 'not_behind_last' END,
    NULL, s.decider, s.decider_id, s."offset",
    format('%s %s names %s as previous_id; before it stands %s', s.event, s.event_id, s.previous_id,
      coalesce(s.before_id::text, 'nothing'))
  FROM suspect AS s
  LEFT JOIN events AS p ON p.event_id = s.previous_id AND p.decider_id = s.decider_id AND p.decider = s.decider
  WHERE s.previous_id IS NOT NULL AND s.previous_id IS DISTINCT FROM s.before_id
  UNION ALL
  SELECT 'after_final', NULL, s.decider, s.decider_id, s."offset",
    format('%s %s follows the final event at offset %s', s.event, s.event_id, s.final_offset)
  FROM suspect AS s
  WHERE s.final_offset IS NOT NULL
  UNION ALL
  SELECT 'unregistered', NULL, e.decider, e.decider_id, e."offset",
    format('%s version %s is not registered for %s', e.event, e.event_version, e.decider)
  FROM events AS e
  WHERE NOT EXISTS (
    SELECT FROM deciders AS d
    WHERE d.decider = e.decider AND d.event = e.event AND d.event_version = e.event_version
  );
END;
COMMENT ON FUNCTION stream_faults() IS
  'Every event that breaks I1 to I4. Reads the whole log once and sorts it by stream.';
