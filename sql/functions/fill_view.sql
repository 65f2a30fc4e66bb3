CREATE OR REPLACE FUNCTION fill_view(v_view text, v_after uuid DEFAULT NULL, v_limit integer DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
  v_start_at CONSTANT timestamptz := (SELECT v.start_at FROM views AS v WHERE v.view = v_view);
  v_last uuid;
BEGIN
  WITH RECURSIVE partitions AS (
    (SELECT e.decider_id FROM events AS e WHERE v_after IS NULL OR e.decider_id > v_after ORDER BY e.decider_id LIMIT 1)
    UNION ALL
    SELECT n.decider_id
    FROM partitions AS p
    CROSS JOIN LATERAL (
      SELECT e.decider_id FROM events AS e WHERE e.decider_id > p.decider_id ORDER BY e.decider_id LIMIT 1
    ) AS n
  ), chunk AS MATERIALIZED (
    SELECT decider_id FROM partitions LIMIT v_limit
  ), filled AS (
    -- A lock that is there was made by an append, which did not see those in flight: it gets its position now. One that
    -- was leased was filled in before.
    INSERT INTO locks AS l (view, decider_id, "offset", last_offset, locked_until, offset_final)
    SELECT v_view, c.decider_id, h."offset", coalesce(f."offset" - 1, h."offset"), now(), h.final
    FROM chunk AS c
    CROSS JOIN LATERAL (
      SELECT e."offset", e.final FROM events AS e WHERE e.decider_id = c.decider_id ORDER BY e."offset" DESC LIMIT 1
    ) AS h
    LEFT JOIN LATERAL (
      SELECT e."offset" FROM events AS e
      WHERE e.decider_id = c.decider_id AND e.created_at >= v_start_at
      ORDER BY e."offset" LIMIT 1
    ) AS f ON true
    ON CONFLICT ON CONSTRAINT locks_pkey DO UPDATE
    SET last_offset = excluded.last_offset, pending_from = excluded.pending_from WHERE l.token = 0
  )
  SELECT c.decider_id INTO v_last FROM chunk AS c ORDER BY c.decider_id DESC LIMIT 1;
  IF v_last IS NULL OR v_limit IS NULL THEN
    UPDATE views SET is_filled = true WHERE view = v_view AND NOT is_filled;
    RETURN NULL;
  END IF;
  RETURN v_last;
END
$$;
COMMENT ON FUNCTION fill_view(text, uuid, integer) IS
  'Gives a view the locks it lacks, for the next v_limit partitions behind v_after; returns the last of them, NULL at '
  'the end. The appends that were in flight when the view was registered must have ended: see appends_in_flight().';
