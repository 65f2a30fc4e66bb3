CREATE OR REPLACE FUNCTION repair_guards()
RETURNS bigint
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  guard record;
  repaired bigint := 0;
BEGIN
  FOR guard IN
    SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', t.tgrelid::regclass, t.tgname) AS command
    FROM pg_trigger AS t
    WHERE t.tgrelid IN ('events'::regclass, 'deciders'::regclass, 'views'::regclass, 'locks'::regclass)
      AND t.tgenabled NOT IN ('O', 'A')
    UNION ALL
    SELECT format('ALTER TABLE %s ENABLE RULE %I', r.ev_class::regclass, r.rulename)
    FROM pg_rewrite AS r
    WHERE r.ev_class IN ('events'::regclass, 'deciders'::regclass) AND r.ev_enabled NOT IN ('O', 'A')
    UNION ALL
    SELECT 'ALTER SEQUENCE events_offset_seq CACHE 1'
    FROM pg_sequence AS s
    WHERE s.seqrelid = 'events_offset_seq'::regclass AND s.seqcache <> 1
  LOOP
    EXECUTE guard.command;
    repaired := repaired + 1;
  END LOOP;
  IF (SELECT last_value FROM events_offset_seq) < (SELECT max("offset") FROM events) THEN
    LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
    PERFORM setval('events_offset_seq', (SELECT max("offset") FROM events));
    repaired := repaired + 1;
  END IF;
  RETURN repaired;
END
$$;
COMMENT ON FUNCTION repair_guards() IS
  'Switches on again what guard_faults() finds switched off. Those of a foreign key take a superuser.';
