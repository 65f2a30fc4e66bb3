CREATE OR REPLACE FUNCTION extend_leases(
  v_view text, v_decider_ids uuid[], v_tokens bigint[], v_seconds integer DEFAULT NULL
)
RETURNS SETOF locks
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
  RETURN QUERY
    UPDATE locks AS l
    SET locked_until = now() + make_interval(
          secs => coalesce(v_seconds, (SELECT v.lock_timeout_s FROM views AS v WHERE v.view = v_view))),
      updated_at = now()
    FROM (
      SELECT DISTINCT ON (u.decider_id) v_view AS view, u.decider_id, u.token
      FROM unnest(v_decider_ids, v_tokens) AS u (decider_id, token)
      ORDER BY u.decider_id, u.token DESC
    ) AS e
    WHERE l.view = e.view AND l.decider_id = e.decider_id AND l.token = e.token AND l.last_offset < l.until_offset
      AND l.parked_at IS NULL
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION extend_leases(text, uuid[], bigint[], integer) IS
  'Makes leases last longer, from now on, for a holder that is still at work; returns those that it still holds.';
