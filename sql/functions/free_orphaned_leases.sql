CREATE OR REPLACE FUNCTION free_orphaned_leases(v_view text)
RETURNS SETOF locks
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_sort = off
AS $$
BEGIN
  RETURN QUERY
    UPDATE locks AS l
    SET locked_until = CASE WHEN l.attempts <= 1 THEN now() -- it may have been any other event of the batch
        ELSE now() + least(2 ^ (l.attempts - 1), 300) * (0.75 + random() / 2) * INTERVAL '1s' END,
      last_error = format('attempt %s: its consumer was lost before it answered', l.attempts),
      holder = NULL, updated_at = now()
    FROM (
      SELECT v_view AS view, q.decider_id, q.token
      FROM (
        -- Leases are taken from the front of the queue: so much of it is looked at, however long it is.
        SELECT k.decider_id, k.token, k.holder, k.locked_until FROM locks AS k
        WHERE k.view = v_view AND k.pending_from IS NOT NULL
        ORDER BY k.pending_from
        LIMIT 10000
      ) AS q
      WHERE q.holder IS NOT NULL AND q.locked_until > now()
        AND q.holder NOT IN (SELECT a.pid FROM pg_stat_get_activity(NULL) AS a)
    ) AS o
    WHERE l.view = o.view AND l.decider_id = o.decider_id AND l.token = o.token AND l.holder IS NOT NULL
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION free_orphaned_leases(text) IS
  'Ends the leases whose holder is gone: at once, or after a growing delay when the partition was tried before.';
