-- Adoption, third part: what the model has and the store lacks is made; then all that the model has must be in the
-- store just so, and its comments are copied. Only the index events_first_key waits, for reconcile.sql.
DO $$
DECLARE
  model CONSTANT oid := pg_my_temp_schema();
  here CONSTANT oid := quote_ident(current_schema())::regnamespace;
  command text;
  different text;
BEGIN
  IF current_setting('fstore.adopting', true) IS DISTINCT FROM 'on' THEN
    RETURN;
  END IF;
  FOR command IN
    SELECT format('CREATE TABLE %1$I (LIKE pg_temp.%1$I INCLUDING ALL); INSERT INTO %1$I TABLE pg_temp.%1$I', c.relname)
    FROM pg_class AS c
    WHERE c.relnamespace = model AND c.relkind = 'r'
      AND to_regclass(format('%s.%I', here::regnamespace, c.relname)) IS NULL
    UNION ALL
    SELECT format('ALTER TABLE %I ADD COLUMN %I %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN 'NOT NULL' END,
      format(CASE WHEN a.attgenerated = 's' THEN 'GENERATED ALWAYS AS (%s) STORED'
        WHEN d.oid IS NOT NULL THEN 'DEFAULT %s' END, pg_get_expr(d.adbin, d.adrelid)))
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = model AND c.relname IN ('views', 'locks') AND NOT EXISTS (
      SELECT FROM pg_attribute AS h WHERE h.attrelid = format('%s.%I', here::regnamespace, c.relname)::regclass
        AND h.attname = a.attname
    )
    UNION ALL
    SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, o.conname, pg_get_constraintdef(o.oid))
    FROM pg_class AS c JOIN pg_constraint AS o ON o.conrelid = c.oid
    WHERE c.relnamespace = model AND o.contype = 'c'
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN format('CREATE SEQUENCE %I', c.relname)
      ELSE regexp_replace(pg_get_indexdef(c.oid), ' ON pg_temp(_\d+)?\.', ' ON ') END
    FROM pg_class AS c
    WHERE c.relnamespace = model AND c.relkind IN ('S', 'i') AND c.relname <> 'events_first_key'
      AND to_regclass(format('%s.%I', here::regnamespace, c.relname)) IS NULL
  LOOP
    EXECUTE command;
  END LOOP;

  WITH part (schema, place, definition) AS (
    SELECT c.relnamespace, format('column %s.%I', c.relname, a.attname), concat_ws(' ',
      format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r'
    UNION ALL
    SELECT o.connamespace, 'relation ' || o.conname, pg_get_constraintdef(o.oid) FROM pg_constraint AS o
    UNION ALL
    SELECT c.relnamespace, 'relation ' || c.relname, pg_get_indexdef(c.oid) FROM pg_class AS c WHERE c.relkind = 'i'
    UNION ALL
    SELECT c.relnamespace, 'rule ' || r.rulename, pg_get_ruledef(r.oid)
    FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
    WHERE c.relkind = 'r'
  ), plain AS (
    SELECT p.schema, p.place,
      regexp_replace(replace(p.definition, here::regnamespace || '.', ''), 'pg_temp(_\d+)?\.', '', 'g') AS definition
    FROM part AS p
    WHERE p.schema IN (model, here) AND p.place <> 'relation events_first_key'
  )
  SELECT string_agg(d.place || ' ' || d.definition, '; ') INTO different
  FROM (
    SELECT place, definition FROM plain WHERE schema = model
    EXCEPT SELECT place, definition FROM plain WHERE schema = here
  ) AS d (place, definition);
  IF different IS NOT NULL THEN
    RAISE EXCEPTION 'schema % cannot be adopted: it differs from the original schema', here::regnamespace
      USING ERRCODE = 'FS008', DETAIL = format('There should be: %s.', different),
        HINT = 'Make the tables what the original schema says, then adopt them; nothing was changed.';
  END IF;

  FOR command IN
    SELECT format('COMMENT ON %s %s IS %L', CASE c.relkind
        WHEN 'r' THEN CASE d.objsubid WHEN 0 THEN 'TABLE' ELSE 'COLUMN' END WHEN 'i' THEN 'INDEX' ELSE 'SEQUENCE' END,
      concat_ws('.', quote_ident(c.relname), quote_ident(a.attname)), d.description)
    FROM pg_class AS c
    JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE c.relnamespace = model AND c.relname <> 'events_first_key'
    UNION ALL
    SELECT format('COMMENT ON CONSTRAINT %I ON %I IS %L', o.conname, c.relname, d.description)
    FROM pg_class AS c
    JOIN pg_constraint AS o ON o.conrelid = c.oid
    JOIN pg_description AS d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = o.oid
    WHERE c.relnamespace = model
    UNION ALL
    SELECT format('COMMENT ON RULE %I ON %I IS %L', r.rulename, c.relname, d.description)
    FROM pg_class AS c
    JOIN pg_rewrite AS r ON r.ev_class = c.oid
    JOIN pg_description AS d ON d.classoid = 'pg_rewrite'::regclass AND d.objoid = r.oid
    WHERE c.relnamespace = model
  LOOP
    EXECUTE command;
  END LOOP;
  DROP TABLE pg_temp.locks, pg_temp.views, pg_temp.view_registrations, pg_temp.events, pg_temp.deciders;
  DROP SEQUENCE pg_temp.locks_token_seq;
END
$$;
