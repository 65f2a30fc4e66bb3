CREATE OR REPLACE FUNCTION register_decider_events(
  v_decider text, v_events text[], v_descriptions text[], v_event_versions bigint[]
)
RETURNS SETOF deciders
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT w.event, w.description, w.event_version
    FROM unnest(v_events, v_descriptions, v_event_versions) AS w (event, description, event_version)
    WHERE NOT EXISTS (
      SELECT FROM deciders AS d
      WHERE d.decider = v_decider AND d.event = w.event AND d.event_version = w.event_version
    )
    ORDER BY w.event, w.event_version
  LOOP
    BEGIN
      RETURN QUERY SELECT *
        FROM register_decider_event(v_decider, wanted.event, wanted.description, wanted.event_version);
    EXCEPTION WHEN unique_violation THEN
      NULL; -- registered by another host in this very moment
    END;
  END LOOP;
END
$$;
COMMENT ON FUNCTION register_decider_events(text, text[], text[], bigint[]) IS
  'Registers those of a decider''s events that are not there yet, and returns them; safe to repeat and to race.';
