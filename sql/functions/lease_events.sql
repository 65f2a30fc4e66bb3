CREATE OR REPLACE FUNCTION lease_events(
  v_view text, v_limit integer DEFAULT 100, v_seconds integer DEFAULT NULL, v_per_partition integer DEFAULT NULL
)
RETURNS TABLE (
  "event" text, event_id uuid, event_version bigint, decider text, decider_id uuid, data jsonb, command_id uuid,
  previous_id uuid, final boolean, created_at timestamptz, "offset" bigint, token bigint, attempts integer
)
LANGUAGE plpgsql
SET search_path FROM CURRENT
-- What is leased must cost what it is, whatever the statistics say: the queue by its index, locks and events by theirs.
SET plan_cache_mode = 'force_generic_plan'
SET enable_seqscan = off
SET jit = off
SET enable_bitmapscan = off
SET enable_sort = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH free AS MATERIALIZED (
      SELECT l.decider_id, l.last_offset
      FROM locks AS l
      WHERE l.view = v_view AND l.pending_from IS NOT NULL AND l.locked_until <= now()
      ORDER BY l.pending_from
      LIMIT v_limit
      FOR UPDATE SKIP LOCKED
    ), share AS MATERIALIZED (
      SELECT coalesce(v_per_partition, greatest(v_limit / greatest(count(*), 1), 1)) AS events FROM free
    ), next AS MATERIALIZED (
      SELECT e.*
      FROM free
      CROSS JOIN LATERAL (
        SELECT * FROM events AS e
        WHERE e.decider_id = free.decider_id AND e."offset" > free.last_offset
        ORDER BY e."offset"
        LIMIT (SELECT share.events FROM share)
      ) AS e
    ), leased AS (
      UPDATE locks AS l
      SET locked_until = now() + make_interval(
            secs => coalesce(v_seconds, (SELECT v.lock_timeout_s FROM views AS v WHERE v.view = v_view))),
        leased_offset = greatest(l.leased_offset, t.to_offset), token = t.token, attempts = l.attempts + 1,
        updated_at = now()
      FROM (
        -- The view's name comes with each row, so that nothing but the primary key can find its lock.
        SELECT v_view AS view, n.decider_id, max(n."offset") AS to_offset,
          (SELECT nextval('locks_token_seq')) AS token
        FROM next AS n
        GROUP BY n.decider_id
      ) AS t
      WHERE l.view = t.view AND l.decider_id = t.decider_id
      RETURNING l.decider_id, l.token, l.attempts
    )
    SELECT n.*, leased.token, leased.attempts
    FROM next AS n JOIN leased ON leased.decider_id = n.decider_id
    ORDER BY n."offset";
END
$$;
COMMENT ON FUNCTION lease_events(text, integer, integer, integer) IS
  'Leases pending partitions, longest waiting first, and returns their next events (up to v_limit in all) with the token.';
