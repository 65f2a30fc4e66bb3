-- What the guarded functions ask before they do anything, in the name of the owner, for somebody else.
CREATE OR REPLACE FUNCTION invoker()
RETURNS name
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END;
END;
COMMENT ON FUNCTION invoker() IS
  'Who called: current_user would be the owner inside of a function that runs with the owner''s rights.';

CREATE OR REPLACE FUNCTION has_access(v_may text[])
RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT pg_has_role(invoker(), c.relowner, 'USAGE') OR EXISTS (
    SELECT FROM access_roles AS a WHERE a.may = ANY (v_may) AND pg_has_role(invoker(), a.role, 'USAGE')
  )
  FROM pg_class AS c
  WHERE c.oid = 'events'::regclass;
END;
COMMENT ON FUNCTION has_access(text[]) IS
  'Whether the caller is an owner of the store, or may do one of these without limits.';

CREATE OR REPLACE FUNCTION require_deciders(v_deciders text[], v_may text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
  foreign_decider text;
BEGIN
  IF has_access(v_may) THEN
    RETURN;
  END IF;
  SELECT d.decider INTO foreign_decider
  FROM unnest(v_deciders) AS d (decider)
  WHERE NOT EXISTS (
    SELECT FROM append_grants AS g WHERE g.decider = d.decider AND pg_has_role(invoker(), g.role, 'USAGE')
  )
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'permission denied for decider %', coalesce(foreign_decider, 'NULL')
      USING ERRCODE = 'insufficient_privilege', HINT = format(
        'The owner of the store grants it: INSERT INTO %I.append_grants VALUES (%L, %L);',
        current_schema(), foreign_decider, invoker());
  END IF;
END
$$;
COMMENT ON FUNCTION require_deciders(text[], text[]) IS
  'Raises unless append_grants names the caller for each of the deciders, or the caller has_access().';

CREATE OR REPLACE FUNCTION require_registered(v_decider text, v_events text[], v_event_versions bigint[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM require_deciders(ARRAY[v_decider], '{}');
  IF NOT has_access('{}') AND EXISTS (
    SELECT FROM unnest(v_events, v_event_versions) AS w (event, event_version)
    WHERE NOT EXISTS (
      SELECT FROM deciders AS d
      WHERE d.decider = v_decider AND d.event = w.event AND d.event_version = w.event_version
    )
  ) THEN
    RAISE EXCEPTION 'permission denied to register events of decider %', v_decider
      USING ERRCODE = 'insufficient_privilege', HINT = 'Let the owner of the store register them.';
  END IF;
END
$$;
COMMENT ON FUNCTION require_registered(text, text[], bigint[]) IS
  'Raises unless there is nothing left to register, or the owner calls: so a host may ask at each start.';

CREATE OR REPLACE FUNCTION require_view(
  v_view text, v_start_at timestamptz, v_lock_timeout_s bigint, v_pooling_delay_s bigint, v_edge_function_url text,
  v_max_attempts integer
)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
  IF NOT has_access('{}') AND NOT EXISTS (
    SELECT FROM views AS v
    WHERE v.view = v_view AND coalesce(v.start_at = v_start_at, true) AND v.lock_timeout_s = v_lock_timeout_s
      AND v.pooling_delay_s IS NOT DISTINCT FROM v_pooling_delay_s
      AND v.edge_function_url IS NOT DISTINCT FROM v_edge_function_url
      AND v.max_attempts IS NOT DISTINCT FROM v_max_attempts
  ) THEN
    RAISE EXCEPTION 'permission denied to register view %, or to register it differently', v_view
      USING ERRCODE = 'insufficient_privilege', HINT = 'Let the owner of the store register it.';
  END IF;
END
$$;
COMMENT ON FUNCTION require_view(text, timestamptz, bigint, bigint, text, integer) IS
  'Raises unless the view is registered just so, or the owner calls: so a host may ask at each start.';
