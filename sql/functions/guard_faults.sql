CREATE OR REPLACE FUNCTION guard_faults()
RETURNS TABLE (finding text, "view" text, decider text, decider_id uuid, "offset" bigint, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH guard (kind, "table", name) AS (
    VALUES
      ('trigger', 'events'::regclass, 't_on_insert_on_events'), ('trigger', 'events', 't_check_event_row'),
      ('trigger', 'events', 't_refuse_truncate'), ('trigger', 'deciders', 't_refuse_truncate'),
      ('trigger', 'views', 't_on_insert_on_views'), ('trigger', 'views', 't_on_update_on_views'),
      ('trigger', 'locks', 't_before_insert_locks_table'), ('trigger', 'locks', 't_before_update_locks_table'),
      ('rule', 'events', 'ignore_delete_events'), ('rule', 'events', 'ignore_update_events'),
      ('rule', 'deciders', 'ignore_delete_decider_events'), ('rule', 'deciders', 'ignore_update_decider_events'),
      ('index', 'events', 'events_pkey'), ('index', 'events', 'events_event_id_key'),
      ('index', 'events', 'events_previous_id_key'), ('index', 'events', 'events_first_key'),
      ('index', 'deciders', 'deciders_pkey'), ('index', 'views', 'views_pkey'), ('index', 'locks', 'locks_pkey'),
      ('constraint', 'events', 'events_decider_event_event_version_fkey'),
      ('constraint', 'locks', 'locks_view_fkey')
  ), there (kind, "table", name, works) AS (
    -- The triggers of a foreign key, which have no names of their own, count as their constraint.
    SELECT CASE WHEN t.tgisinternal THEN 'constraint' ELSE 'trigger' END, t.tgrelid,
      coalesce(c.conname, t.tgname)::text, t.tgenabled IN ('O', 'A')
    FROM pg_trigger AS t LEFT JOIN pg_constraint AS c ON c.oid = t.tgconstraint AND t.tgisinternal
    UNION ALL
    SELECT 'rule', r.ev_class, r.rulename::text, r.ev_enabled IN ('O', 'A') FROM pg_rewrite AS r
    UNION ALL
    SELECT 'index', i.indrelid, c.relname::text, i.indisvalid AND i.indisunique
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    UNION ALL
    SELECT 'constraint', c.conrelid, c.conname::text, c.convalidated FROM pg_constraint AS c
  )
  SELECT CASE WHEN bool_and(t.works) IS NULL THEN 'missing_guard' ELSE 'disabled_guard' END,
    NULL::text, NULL::text, NULL::uuid, NULL::bigint, format('%s %I on %s', g.kind, g.name, g."table")
  FROM guard AS g
  LEFT JOIN there AS t ON t.kind = g.kind AND t."table" = g."table" AND t.name = g.name
  GROUP BY g.kind, g."table", g.name
  HAVING bool_and(t.works) IS NOT TRUE
  UNION ALL
  SELECT 'offset_sequence', NULL, NULL, NULL, m.head,
    format('it stands at %s with cache %s, the last event at %s', s.last_value, q.seqcache, m.head)
  FROM events_offset_seq AS s
  CROSS JOIN pg_sequence AS q
  CROSS JOIN (SELECT coalesce(max("offset"), 0) AS head FROM events) AS m
  WHERE q.seqrelid = 'events_offset_seq'::regclass AND (s.last_value < m.head OR q.seqcache <> 1);
END;
COMMENT ON FUNCTION guard_faults() IS
  'What keeps I1 to I6 and is missing or off: triggers, rules, indexes, foreign keys, the sequence of offsets.';
