-- Adoption, first part: recognizes a store made by the original schema and holds everybody off. What the migrations
-- then create goes into temporary tables: the model that take_over.sql and reconcile.sql bring the store to.
DO $$
DECLARE
  original CONSTANT text[] := ARRAY[
    'deciders: decider text, event text, event_version bigint, description text',
    'events: event text, event_id uuid, event_version bigint, decider text, decider_id uuid, data jsonb, '
      'command_id uuid, previous_id uuid, final boolean, created_at timestamp with time zone, "offset" bigint',
    'locks: view text, decider_id uuid, "offset" bigint, last_offset bigint, locked_until timestamp with time zone, '
      'offset_final boolean, created_at timestamp with time zone, updated_at timestamp with time zone',
    'views: view text, start_at timestamp without time zone, lock_timeout_s bigint, pooling_delay_s bigint, '
      'edge_function_url text, created_at timestamp with time zone, updated_at timestamp with time zone'
  ];
  here CONSTANT text := quote_ident(current_setting('fstore.schema'));
  found text[];
BEGIN
  IF current_setting('fstore.adopt', true) IS DISTINCT FROM 'on' OR EXISTS (SELECT FROM fstore_migrations) THEN
    RETURN;
  END IF;
  SELECT array_agg(t.columns ORDER BY t.columns) INTO found
  FROM (
    SELECT c.relname || ': ' || string_agg(
      format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) AS columns
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = here::regnamespace AND c.relkind = 'r'
      AND c.relname IN ('deciders', 'events', 'views', 'locks')
    GROUP BY c.relname
  ) AS t;
  IF found IS DISTINCT FROM original THEN
    RAISE EXCEPTION 'schema % holds no store of the original schema', here
      USING ERRCODE = 'FS008', HINT = 'Only its four tables, with its columns and no others, can be adopted.',
        DETAIL = format('Different: %s.', coalesce((
          SELECT string_agg(d.columns, '; ') FROM (SELECT unnest(found) EXCEPT SELECT unnest(original)) AS d (columns)
        ), 'a table is missing'));
  END IF;
  LOCK TABLE deciders, events, views, locks IN ACCESS EXCLUSIVE MODE;
  PERFORM set_config('fstore.adopting', 'on', true);
  PERFORM set_config('search_path', format('pg_temp, %s', here), true);
END
$$;
