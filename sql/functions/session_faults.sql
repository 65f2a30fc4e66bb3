CREATE OR REPLACE FUNCTION session_faults(v_seconds bigint DEFAULT 300)
RETURNS TABLE (finding text, "view" text, decider text, decider_id uuid, "offset" bigint, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT 'old_transaction', NULL::text, NULL::text, NULL::uuid, NULL::bigint,
    format('pid %s of %s (%s), %s, open since %s: %s', a.pid, a.usename, nullif(a.application_name, ''), a.state,
      a.xact_start, substr(a.query, 1, 80))
  FROM pg_stat_activity AS a
  WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
    AND a.xact_start < now() - make_interval(secs => v_seconds)
  UNION ALL
  SELECT 'prepared_transaction', NULL, NULL, NULL, NULL, format('%L of %s, since %s', p.gid, p.owner, p.prepared)
  FROM pg_prepared_xacts AS p
  WHERE p.database = current_database() AND p.prepared < now() - make_interval(secs => v_seconds);
END;
COMMENT ON FUNCTION session_faults(bigint) IS
  'Transactions open for more than v_seconds. Those of other users are visible to members of pg_read_all_stats only.';
