CREATE OR REPLACE FUNCTION ack_events(v_view text, v_decider_ids uuid[], v_offsets bigint[], v_tokens bigint[])
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
  -- What is still pending goes to the end of the queue: no partition keeps the others waiting.
  queue_end CONSTANT bigint := pg_sequence_last_value('events_offset_seq');
BEGIN
  IF cardinality(v_tokens) <> cardinality(v_decider_ids) OR cardinality(v_offsets) <> cardinality(v_decider_ids) THEN
    RAISE EXCEPTION 'ack_events: the arrays differ in length' USING ERRCODE = 'FS008',
      HINT = 'An ack is a decider_id, an offset and a token; without tokens give NULL for all of them.';
  END IF;
  RETURN QUERY
    UPDATE locks AS l
    SET last_offset = a."offset",
      pending_from = CASE WHEN a."offset" < l."offset" AND l.parked_at IS NULL
        THEN greatest(l.pending_from, queue_end) END,
      locked_until = CASE WHEN a."offset" < l.until_offset AND a.token IS NOT NULL THEN l.locked_until ELSE now() END,
      attempts = 0, last_error = NULL, updated_at = now()
    FROM (
      -- The view's name comes with each row, so that nothing but the primary key can find its lock.
      SELECT DISTINCT ON (u.decider_id) v_view AS view, u.decider_id, u."offset", u.token
      FROM unnest(v_decider_ids, v_offsets, v_tokens) AS u (decider_id, "offset", token)
      ORDER BY u.decider_id, u.token DESC NULLS LAST, u."offset" DESC
    ) AS a
    WHERE l.view = a.view
      AND l.decider_id = a.decider_id
      AND a."offset" > l.last_offset
      -- With a token: only its holder, and only what it was handed. Without: as the original, but never past the head.
      AND CASE WHEN a.token IS NULL THEN a."offset" <= l."offset"
        ELSE a.token = l.token AND a."offset" <= l.until_offset END
    RETURNING l.*;
END
$$;
COMMENT ON FUNCTION ack_events(text, uuid[], bigint[], bigint[]) IS
  'Records that partitions were handled up to an offset; returns the locks that moved. The last leased event '
  'frees its lease.';
