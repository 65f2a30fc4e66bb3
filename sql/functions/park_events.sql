CREATE OR REPLACE FUNCTION park_events(
  v_view text, v_decider_ids uuid[], v_tokens bigint[] DEFAULT NULL, v_errors text[] DEFAULT NULL
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
    SET parked_at = now(), locked_until = now(), token = nextval('locks_token_seq'),
      last_error = coalesce(p.error, l.last_error)
    FROM (
      SELECT DISTINCT ON (u.decider_id) v_view AS view, u.decider_id, u.token, u.error
      FROM unnest(v_decider_ids, v_tokens, v_errors) AS u (decider_id, token, error)
      ORDER BY u.decider_id, u.token DESC NULLS LAST
    ) AS p
    WHERE l.view = p.view AND l.decider_id = p.decider_id AND l.parked_at IS NULL AND coalesce(p.token = l.token, true)
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION park_events(text, uuid[], bigint[], text[]) IS
  'Sets partitions aside: nothing of them is leased until resume_events(). With tokens, only their holder can (I11).';
