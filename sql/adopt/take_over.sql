-- Adoption, second part: what the original has and we have not goes, or becomes ours.
DO $$
DECLARE
  command text;
BEGIN
  IF current_setting('fstore.adopting', true) IS DISTINCT FROM 'on' THEN
    RETURN;
  END IF;
  PERFORM set_config('search_path', format('%I, pg_temp', current_setting('fstore.schema')), true);

  FOR command IN
    SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
    FROM pg_trigger AS t
    WHERE t.tgrelid IN ('events'::regclass, 'views'::regclass, 'locks'::regclass) AND t.tgname IN (
      't_check_final_event_for_decider', 't_check_first_event_for_decider', 't_check_previous_id_in_same_decider',
      't_on_insert_on_events', 't_on_insert_or_update_on_views', 't_before_update_views_table',
      't_before_update_locks_table')
  LOOP
    EXECUTE command;
  END LOOP;
  DROP FUNCTION IF EXISTS check_final_event_for_decider();
  DROP FUNCTION IF EXISTS check_first_event_for_decider();
  DROP FUNCTION IF EXISTS check_previous_id_in_same_decider();
  DROP FUNCTION IF EXISTS before_update_views_table();
  DROP FUNCTION IF EXISTS before_update_locks_table();
  DROP FUNCTION IF EXISTS on_insert_on_events();
  DROP FUNCTION IF EXISTS on_insert_or_update_on_views();
  DROP FUNCTION IF EXISTS register_decider_event(text, text, text, bigint);
  DROP FUNCTION IF EXISTS append_event(text, uuid, text, uuid, jsonb, uuid, uuid, bigint);
  DROP FUNCTION IF EXISTS get_events(uuid, text);
  DROP FUNCTION IF EXISTS get_last_event(uuid, text);
  DROP FUNCTION IF EXISTS register_view(text, timestamp, bigint, bigint, text);
  DROP FUNCTION IF EXISTS stream_events(text, integer, integer);
  DROP FUNCTION IF EXISTS ack_event(text, uuid, bigint);
  DROP FUNCTION IF EXISTS nack_event(text, uuid);
  DROP FUNCTION IF EXISTS schedule_nack_event(text, uuid, bigint);

  -- The original compared start_at in each session's own zone; the zone of this session is what it meant.
  ALTER TABLE views ALTER COLUMN start_at TYPE TIMESTAMP WITH TIME ZONE;
  ALTER TABLE locks SET (fillfactor = 80);
  ALTER INDEX IF EXISTS events_pkey SET (fillfactor = 98);
  ALTER INDEX IF EXISTS events_event_id_key SET (fillfactor = 97);
  IF to_regclass('locks_pkey') IS NOT NULL THEN
    ALTER TABLE locks DROP CONSTRAINT locks_pkey,
      ADD CONSTRAINT locks_pkey PRIMARY KEY (decider_id, view) WITH (fillfactor = 97);
  END IF;
  ALTER TABLE events DROP CONSTRAINT IF EXISTS events_previous_id_key; -- the model has it as an index
  DROP INDEX IF EXISTS decider_index, locks_index;
END
$$;
