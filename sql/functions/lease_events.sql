CREATE OR REPLACE FUNCTION lease_events(
  v_view text, v_limit integer DEFAULT 100, v_seconds integer DEFAULT NULL, v_per_partition integer DEFAULT NULL,
  v_holder integer DEFAULT NULL
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
DECLARE
  -- What this session remembers of the queue: how far it has seen it, when to look at it from its start again; and how
  -- many events it found in a partition.
  queue_setting text := format('fstore.queue_%s_%s', 'locks'::regclass::oid, md5(v_view));
  depth_setting text := queue_setting || '_depth';
  known CONSTANT float8[] := string_to_array(nullif(current_setting(queue_setting, true), ''), ' ');
  depth integer := coalesce(nullif(current_setting(depth_setting, true), '')::integer, 1);
  queue_end CONSTANT bigint := pg_sequence_last_value('events_offset_seq');
  look_from CONSTANT float8 := extract(epoch FROM clock_timestamp());
  is_full_look CONSTANT boolean := coalesce(look_from >= known[2], true);
  walked bigint := pg_stat_get_xact_tuples_returned('locks_pending_index'::regclass);
  next_full_look float8;
  seen bigint;
  places tid[];
  partitions uuid[];
  handled bigint[];
  heads bigint[];
  tries integer[];
  share integer;
  seconds bigint;
  lease bigint;
BEGIN
  -- A view whose locks are being filled in waits: an append that did not see it may still be in flight.
  SELECT coalesce(v_seconds, v.lock_timeout_s) INTO seconds FROM views AS v WHERE v.view = v_view AND v.is_filled;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Handled partitions leave dead entries at the front of the queue until they are vacuumed away, which a transaction
  -- that stays open prevents. A look from the start that walks over many is not repeated before 20 times as long have
  -- passed; until then we begin where the last one ended. Entries come at the end but for a few: these wait for it.
  SELECT array_agg(free.place), array_agg(free.decider_id), array_agg(free.last_offset), array_agg(free.head),
    array_agg(free.attempts + 1), max(free.pending_from)
  INTO places, partitions, handled, heads, tries, seen
  FROM (
    SELECT l.ctid AS place, l.decider_id, l.last_offset, l."offset" AS head, l.attempts, l.pending_from
    FROM locks AS l
    WHERE l.view = v_view AND l.pending_from >= CASE WHEN is_full_look THEN 0 ELSE known[1]::bigint END
      AND l.locked_until <= now()
    ORDER BY l.pending_from
    -- Deep partitions are handed out a few at a time, eight at the least, many events of each: locks cost, not events.
    LIMIT CASE WHEN v_per_partition IS NULL AND v_limit > 8 THEN greatest(v_limit / depth, 8) ELSE v_limit END
    FOR UPDATE SKIP LOCKED
  ) AS free;
  walked := pg_stat_get_xact_tuples_returned('locks_pending_index'::regclass) - walked;
  next_full_look := CASE WHEN NOT is_full_look THEN known[2]
    WHEN walked > 1000 + 10 * v_limit THEN look_from + 20 * (extract(epoch FROM clock_timestamp()) - look_from) END;
  queue_setting := set_config(queue_setting, concat_ws(' ',
    coalesce(seen, CASE WHEN is_full_look THEN queue_end END, known[1], 0), coalesce(next_full_look, 0)), false);
  IF partitions IS NULL THEN
    RETURN;
  END IF;
  share := coalesce(v_per_partition, greatest(v_limit / cardinality(partitions), 1));
  lease := nextval('locks_token_seq');

  -- I6: a statement of its own, whose snapshot is taken when the locks are held. With an older one an event that was
  -- committed in between, behind a later one of another decider in its partition, would be passed over.
  RETURN QUERY
    WITH next AS MATERIALIZED (
      SELECT e.*, free.place, free.head, free.attempts
      FROM unnest(places, partitions, handled, heads, tries) AS free (place, decider_id, last_offset, head, attempts)
      CROSS JOIN LATERAL (
        SELECT * FROM events AS e
        WHERE e.decider_id = free.decider_id AND e."offset" > free.last_offset
        ORDER BY e."offset"
        LIMIT share
      ) AS e
    ), taken AS MATERIALIZED (
      SELECT n.place, max(n."offset") AS to_offset, n.head, count(*) AS events FROM next AS n GROUP BY n.place, n.head
    ), leased AS (
      UPDATE locks AS l
      SET locked_until = now() + make_interval(secs => seconds),
        leased_offset = greatest(l.leased_offset, t.to_offset), until_offset = t.to_offset, token = lease,
        attempts = l.attempts + 1, holder = v_holder, updated_at = now()
      FROM taken AS t
      WHERE l.ctid = t.place -- a row that we have locked stays where it is: no index is faster
    ), remembered AS MATERIALIZED (
      SELECT set_config(depth_setting, least(100, CASE WHEN bool_and(t.to_offset < t.head) THEN 4 * share
        ELSE avg(t.events) END)::integer::text, false)
      FROM taken AS t
    )
    SELECT n.event, n.event_id, n.event_version, n.decider, n.decider_id, n.data, n.command_id, n.previous_id, n.final,
      n.created_at, n."offset", lease, n.attempts
    FROM remembered CROSS JOIN next AS n
    ORDER BY n."offset";
END
$$;
COMMENT ON FUNCTION lease_events(text, integer, integer, integer, integer) IS
  'Leases pending partitions, longest waiting first, and returns their next events (up to v_limit in all) with a '
  'token. v_holder: the server process with whose end the leases may end as well, see free_orphaned_leases().';
