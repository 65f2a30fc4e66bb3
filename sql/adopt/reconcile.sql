-- Adoption, last part: records what is broken, closes the ways in which it could go on breaking, puts the locks right.
DO $$
DECLARE
  forks bigint[];
  dead_ends uuid[];
BEGIN
  IF current_setting('fstore.adopting', true) IS DISTINCT FROM 'on' THEN
    RETURN;
  END IF;
  -- Progress stays what it was; a lease that runs is one on the next event, as the original gave them.
  UPDATE locks AS l
  SET pending_from = n.next, leased_offset = CASE WHEN l.locked_until > now() THEN n.next ELSE 0 END,
    until_offset = CASE WHEN l.locked_until > now() THEN n.next ELSE 0 END
  FROM (
    SELECT k.view, k.decider_id, min(e."offset") AS next
    FROM locks AS k JOIN events AS e ON e.decider_id = k.decider_id AND e."offset" > k.last_offset
    GROUP BY k.view, k.decider_id
  ) AS n
  WHERE l.view = n.view AND l.decider_id = n.decider_id;

  CREATE TABLE adoption_findings AS
    SELECT f.*, now() AS found_at FROM (SELECT * FROM stream_faults() UNION ALL SELECT * FROM lock_faults()) AS f;
  COMMENT ON TABLE adoption_findings IS
    'What was broken in the store when it was adopted: events stay so, locks were mended.';
  COMMENT ON COLUMN adoption_findings.finding IS 'What is wrong, in the words of stream_faults() and lock_faults().';
  COMMENT ON COLUMN adoption_findings."view" IS 'The view whose lock it was.';
  COMMENT ON COLUMN adoption_findings.decider IS 'Decider of the event.';
  COMMENT ON COLUMN adoption_findings.decider_id IS 'The stream, or the partition.';
  COMMENT ON COLUMN adoption_findings."offset" IS 'Offset of the event, or of the last event of the partition.';
  COMMENT ON COLUMN adoption_findings.detail IS 'What was there.';
  COMMENT ON COLUMN adoption_findings.found_at IS 'When the store was adopted.';

  -- I1: nothing is deleted, so a stream that began twice keeps both beginnings. The index leaves out the later ones, by
  -- a list that cannot change, and so no stream begins once more.
  forks := ARRAY(SELECT f."offset" FROM adoption_findings AS f WHERE f.finding = 'second_first' ORDER BY 1);
  IF forks = '{}' THEN
    CREATE UNIQUE INDEX events_first_key ON events (decider_id, decider) WITH (fillfactor = 97)
      WHERE previous_id IS NULL;
  ELSE
    EXECUTE format('CREATE FUNCTION is_adopted_fork(v_offset bigint) RETURNS boolean LANGUAGE sql IMMUTABLE '
      'RETURN v_offset = ANY (%L::bigint[])', forks);
    COMMENT ON FUNCTION is_adopted_fork(bigint) IS
      'Whether the event began its stream a second time before the store was adopted.';
    CREATE UNIQUE INDEX events_first_key ON events (decider_id, decider) WITH (fillfactor = 97)
      WHERE previous_id IS NULL AND NOT is_adopted_fork("offset");
  END IF;
  COMMENT ON INDEX events_first_key IS 'One first event per stream, ever, however many race for it (I1).';

  -- I2, I3: of a broken stream only the last event may be followed, and nothing where a final event is among them.
  dead_ends := ARRAY(
    SELECT e.event_id
    FROM (
      SELECT s.decider_id, s.decider, max(s."offset") AS head, bool_or(s.final) AS is_closed
      FROM events AS s
      WHERE (s.decider_id, s.decider) IN (SELECT f.decider_id, f.decider FROM adoption_findings AS f)
      GROUP BY s.decider_id, s.decider
    ) AS broken
    JOIN events AS e ON e.decider_id = broken.decider_id AND e.decider = broken.decider
    WHERE (broken.is_closed OR e."offset" < broken.head) AND NOT e.final
      AND NOT EXISTS (SELECT FROM events AS n WHERE n.previous_id = e.event_id)
    ORDER BY e."offset"
  );
  IF dead_ends <> '{}' THEN
    EXECUTE format('CREATE FUNCTION is_adopted_dead_end(v_event_id uuid) RETURNS boolean LANGUAGE sql IMMUTABLE '
      'RETURN v_event_id = ANY (%L::uuid[])', dead_ends);
    COMMENT ON FUNCTION is_adopted_dead_end(uuid) IS
      'Whether the event ends a branch of a stream that was forked, or went on after its end, before the adoption.';
    ALTER TABLE events ADD CONSTRAINT events_dead_end_check CHECK (NOT is_adopted_dead_end(previous_id));
    COMMENT ON CONSTRAINT events_dead_end_check ON events IS
      'What broke before the adoption breaks no further (I2, I3).';
  END IF;

  -- The rows of views were rewritten: a transaction with an older snapshot must not append, it sees none.
  UPDATE view_registrations SET registered_at = now();
  PERFORM setval('events_offset_seq', greatest((SELECT last_value FROM events_offset_seq), coalesce(max("offset"), 1)),
    (SELECT is_called FROM events_offset_seq) OR count(*) > 0) FROM events;

  PERFORM repair_locks();
END
$$;
