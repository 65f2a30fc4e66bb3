CREATE OR REPLACE FUNCTION replay_view(
  v_view text, v_from_time timestamptz DEFAULT NULL, v_from_offset bigint DEFAULT NULL, v_decider text DEFAULT NULL,
  v_decider_id uuid DEFAULT NULL, v_after uuid DEFAULT NULL, v_limit integer DEFAULT NULL
)
RETURNS SETOF locks
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET plan_cache_mode = 'force_custom_plan'
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
  RETURN QUERY
    UPDATE locks AS l
    SET last_offset = p.from_offset, pending_from = p.from_offset, leased_offset = p.from_offset, locked_until = now(),
      token = nextval('locks_token_seq'),
      -- What is parked stays so, and still says why.
      attempts = CASE WHEN l.parked_at IS NULL THEN 0 ELSE l.attempts END,
      last_error = CASE WHEN l.parked_at IS NOT NULL THEN l.last_error END
    FROM (
      -- The view's name comes with each row, so that nothing but the primary key can find its lock; in the order in
      -- which appends and acks lock them: no deadlocks.
      SELECT v_view AS view, r.decider_id, r.from_offset
      FROM replay_positions(v_view, v_from_time, v_from_offset, v_decider, v_decider_id, v_after, v_limit) AS r
      ORDER BY r.decider_id
    ) AS p
    WHERE l.view = p.view AND l.decider_id = p.decider_id
    RETURNING l.*;
  PERFORM wake_up();
END
$$;
COMMENT ON FUNCTION replay_view(text, timestamptz, bigint, text, uuid, uuid, integer) IS
  'Moves a view back, so that events it has handled come again: to a time, an offset, or where the view starts; all '
  'partitions, those of a decider, one, or the next v_limit behind v_after. Ends the leases on what it moves (I8). '
  'What the view has written stays: empty it in the same transaction, when that is wanted.';
