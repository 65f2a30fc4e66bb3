CREATE OR REPLACE FUNCTION repair_locks()
RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  repaired bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'locks can be repaired only in a READ COMMITTED transaction'
      USING ERRCODE = 'FS008', HINT = 'An older snapshot would miss events that were committed meanwhile.';
  END IF;
  -- As a registration does: no append slips between the log and the locks. Nothing that was handled is handled again.
  LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
  WITH fault AS MATERIALIZED (
    SELECT f.finding, f.view, f.decider_id, f."offset" AS head, coalesce(h.final, false) AS final
    FROM lock_faults() AS f LEFT JOIN events AS h ON h."offset" = f."offset"
  ), filled AS (
    INSERT INTO locks AS l (view, decider_id, "offset", last_offset, locked_until, offset_final)
    SELECT f.view, f.decider_id, f.head, s.start, now(), f.final
    FROM fault AS f
    JOIN views AS v ON v.view = f.view
    CROSS JOIN LATERAL (SELECT start_of(v.start_at, f.decider_id) AS start) AS s
    WHERE f.finding IN ('missing_lock', 'unfilled_view')
    ON CONFLICT ON CONSTRAINT locks_pkey DO NOTHING
    RETURNING 1
  ), mended AS (
    UPDATE locks AS l
    SET "offset" = f.head, last_offset = least(l.last_offset, f.head), leased_offset = least(l.leased_offset, f.head),
      pending_from = least(coalesce(l.pending_from, n.next), f.head), offset_final = f.final
    FROM fault AS f
    CROSS JOIN LATERAL (
      SELECT min(e."offset") AS next FROM events AS e JOIN locks AS k ON k.decider_id = e.decider_id
      WHERE k.view = f.view AND k.decider_id = f.decider_id AND e."offset" > k.last_offset
    ) AS n
    WHERE f.finding NOT IN ('missing_lock', 'unfilled_view') AND l.view = f.view AND l.decider_id = f.decider_id
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM filled) + (SELECT count(*) FROM mended) INTO repaired;
  UPDATE views SET is_filled = true WHERE NOT is_filled;
  RETURN repaired;
END
$$;
COMMENT ON FUNCTION repair_locks() IS
  'Mends what lock_faults() finds: missing locks start where their view does, the others keep what was handled.';
