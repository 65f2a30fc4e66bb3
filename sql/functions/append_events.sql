CREATE OR REPLACE FUNCTION append_events(
  v_events text[], v_event_ids uuid[], v_deciders text[], v_decider_ids uuid[], v_data jsonb[], v_command_ids uuid[],
  v_previous_ids uuid[], v_event_versions bigint[] DEFAULT NULL, v_finals boolean[] DEFAULT NULL
)
RETURNS SETOF events
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  checked text; -- assigned: a PERFORM would be a query, which costs a tenth of an append
BEGIN
  checked := set_config('fstore.checked', 'by statement', true); -- as a SET clause it would take a superuser
  RETURN QUERY
    INSERT INTO events AS e (event, event_id, event_version, decider, decider_id, data, command_id, previous_id, final)
    SELECT n.event, n.event_id, coalesce(n.event_version, 1), n.decider, n.decider_id, n.data, n.command_id,
      n.previous_id, coalesce(n.final, false)
    FROM unnest(
      v_events, v_event_ids, v_deciders, v_decider_ids, v_data, v_command_ids, v_previous_ids, v_event_versions,
      v_finals
    ) WITH ORDINALITY AS n (
      event, event_id, decider, decider_id, data, command_id, previous_id, event_version, final, place
    )
    ORDER BY n.place
    RETURNING e.*;
  checked := set_config('fstore.checked', '', true);
EXCEPTION WHEN unique_violation OR foreign_key_violation THEN
  PERFORM explain_rejection(v_events, v_event_ids, v_deciders, v_decider_ids, v_previous_ids, v_event_versions);
  RAISE;
END
$$;
COMMENT ON FUNCTION append_events(text[], uuid[], text[], uuid[], jsonb[], uuid[], uuid[], bigint[], boolean[]) IS
  'Appends events of one or many streams, all or none, in the order given; an event may name an earlier one as '
  'previous_id.';
