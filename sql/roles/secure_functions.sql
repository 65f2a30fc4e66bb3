-- Lets the roles, where there are any, use the functions that they are for: these run with the rights of the owner. A
-- function with a guard is kept under another name, and its own name first asks the guard. Part of each installation,
-- for CREATE OR REPLACE FUNCTION takes all this away.
DO $$
DECLARE
  everybody CONSTANT text[] := ARRAY['read', 'append', 'consume'];
  item record;
BEGIN
  IF to_regclass(format('%I.access_roles', current_setting('fstore.schema'))) IS NULL THEN
    RETURN;
  END IF;
  FOR item IN
    SELECT p.oid::regprocedure AS signature, p.proname AS name, f.guard, p.prosecdef AS is_secured, p.oid,
      CASE p.provolatile WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
      (SELECT string_agg('$' || i, ', ' ORDER BY i) FROM generate_series(1, p.pronargs) AS i) AS arguments,
      (SELECT string_agg(a.role::text, ', ') FROM access_roles AS a WHERE a.may = ANY (f.may)) AS roles
    FROM (VALUES
      ('get_events', everybody, $g$require_deciders(ARRAY[v_decider], '{read, consume}')$g$),
      ('get_last_event', everybody, $g$require_deciders(ARRAY[v_decider], '{read, consume}')$g$),
      ('get_streams', everybody, $g$require_deciders(ARRAY[v_decider], '{read, consume}')$g$),
      ('read_events', ARRAY['read', 'consume'], NULL),
      ('log_horizon', ARRAY['read', 'consume'], NULL),
      ('view_status', ARRAY['read', 'consume'], NULL),
      ('pending_events', ARRAY['read', 'consume'], NULL),
      ('parked_events', ARRAY['read', 'consume'], NULL),
      ('append_event', ARRAY['append'], $g$require_deciders(ARRAY[v_decider], '{}')$g$),
      ('append_events', ARRAY['append'], $g$require_deciders(v_deciders, '{}')$g$),
      ('record_commands', ARRAY['append'], NULL),
      ('handled_commands', ARRAY['append'], $g$require_deciders(ARRAY(
        SELECT h.decider FROM handled_commands_unguarded(v_command_ids) AS h WHERE h.decider IS NOT NULL), '{}')$g$),
      ('register_decider_events', ARRAY['append'], 'require_registered(v_decider, v_events, v_event_versions)'),
      ('register_view', ARRAY['consume'],
        'require_view(v_view, v_start_at, v_lock_timeout_s, v_pooling_delay_s, v_edge_function_url, v_max_attempts)'),
      ('stream_events', ARRAY['consume'], NULL),
      ('lease_events', ARRAY['consume'], NULL),
      ('ack_event', ARRAY['consume'], NULL),
      ('ack_events', ARRAY['consume'], NULL),
      ('nack_event', ARRAY['consume'], NULL),
      ('nack_events', ARRAY['consume'], NULL),
      ('schedule_nack_event', ARRAY['consume'], NULL),
      ('extend_leases', ARRAY['consume'], NULL),
      ('return_leases', ARRAY['consume'], NULL),
      ('free_orphaned_leases', ARRAY['consume'], NULL),
      ('park_events', ARRAY['consume'], NULL),
      ('arm_wake_up', ARRAY['read', 'consume'], NULL),
      ('disarm_wake_up', ARRAY['read', 'consume'], NULL)
    ) AS f (name, may, guard)
    JOIN pg_proc AS p ON p.proname = f.name AND p.pronamespace = quote_ident(current_schema())::regnamespace
  LOOP
    IF item.guard IS NOT NULL AND NOT item.is_secured THEN
      -- The name stands before the parameters, and before each of them in the body of an SQL function.
      EXECUTE regexp_replace(pg_get_functiondef(item.oid), format('\m(%s)(\(|\.v_)', item.name), '\1_unguarded\2', 'g');
      EXECUTE format(
        'CREATE OR REPLACE FUNCTION %I(%s) RETURNS %s LANGUAGE plpgsql %s SET search_path FROM CURRENT AS %L',
        item.name, pg_get_function_arguments(item.oid), pg_get_function_result(item.oid), item.volatility,
        format(E'BEGIN\n  PERFORM %s;\n  RETURN QUERY SELECT * FROM %I(%s);\nEND', item.guard,
          item.name || '_unguarded', item.arguments));
      EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', item.name || '_unguarded');
      EXECUTE format('COMMENT ON FUNCTION %I IS %L', item.name || '_unguarded',
        format('What %s does once its guard let the caller pass.', item.name));
    END IF;
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', item.signature);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', item.signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', item.signature, item.roles);
  END LOOP;
END
$$;
