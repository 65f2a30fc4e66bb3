CREATE OR REPLACE FUNCTION nack_events(
  v_view text, v_decider_ids uuid[], v_tokens bigint[], v_milliseconds bigint[] DEFAULT NULL,
  v_errors text[] DEFAULT NULL
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
DECLARE
  -- What failed goes to the end of the queue: it does not keep the others waiting.
  queue_end CONSTANT bigint := pg_sequence_last_value('events_offset_seq');
BEGIN
  RETURN QUERY
    UPDATE locks AS l
    SET locked_until = now() + coalesce(n.milliseconds, 0) * INTERVAL '1ms',
      last_error = coalesce(n.error, l.last_error),
      pending_from = CASE WHEN l.pending_from IS NOT NULL THEN greatest(l.pending_from, queue_end) END,
      holder = NULL, updated_at = now()
    FROM (
      -- The view's name comes with each row, so that nothing but the primary key can find its lock.
      SELECT DISTINCT ON (u.decider_id) v_view AS view, u.decider_id, u.token, u.milliseconds, u.error
      FROM unnest(v_decider_ids, v_tokens, v_milliseconds, v_errors) AS u (decider_id, token, milliseconds, error)
      ORDER BY u.decider_id, u.token DESC NULLS LAST
    ) AS n
    WHERE l.view = n.view AND l.decider_id = n.decider_id AND coalesce(n.token = l.token, true)
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION nack_events(text, uuid[], bigint[], bigint[], text[]) IS
  'Gives leases back without progress, each after its own delay and with what went wrong; returns the locks that it '
  'changed.';
