CREATE OR REPLACE FUNCTION return_leases(v_view text, v_decider_ids uuid[], v_tokens bigint[])
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
    SET locked_until = now(), attempts = greatest(l.attempts - 1, 0), holder = NULL, updated_at = now()
    FROM (
      SELECT DISTINCT ON (u.decider_id) v_view AS view, u.decider_id, u.token
      FROM unnest(v_decider_ids, v_tokens) AS u (decider_id, token)
      ORDER BY u.decider_id, u.token DESC
    ) AS r
    WHERE l.view = r.view AND l.decider_id = r.decider_id AND l.token = r.token AND l.last_offset < l.until_offset
      AND l.locked_until > now() AND l.parked_at IS NULL
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION return_leases(text, uuid[], bigint[]) IS
  'Gives leases back whose events were not tried: they do not count as attempts. Returns the locks it changed.';
