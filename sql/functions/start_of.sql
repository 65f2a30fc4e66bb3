CREATE OR REPLACE FUNCTION start_of(v_start_at timestamptz, v_decider_id uuid)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
  RETURN coalesce(
    (SELECT e."offset" - 1 FROM events AS e
     WHERE e.decider_id = v_decider_id AND e.created_at >= v_start_at ORDER BY e."offset" LIMIT 1),
    (SELECT e."offset" FROM events AS e WHERE e.decider_id = v_decider_id ORDER BY e."offset" DESC LIMIT 1),
    0
  );
END
$$;
COMMENT ON FUNCTION start_of(timestamptz, uuid) IS
  'The offset behind which a view with this start_at begins in a partition: just before the first event it covers.';
