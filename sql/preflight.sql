-- Opens an installation inside its transaction: one installer at a time, the schema, the list of migrations, and a
-- refusal when the database is newer than these files. The schema's name comes in the setting fstore.schema.
DO $$
DECLARE
  newest_here CONSTANT bigint := 3;
  v_schema CONSTANT text := current_setting('fstore.schema');
  newest_there bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('fstore.install.' || v_schema, 0));
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = v_schema) THEN
    EXECUTE format('CREATE SCHEMA %I', v_schema);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', v_schema, 'fstore: an event store and its event streaming');
  END IF;
  PERFORM set_config('search_path', format('%I, pg_temp', v_schema), true);
  IF to_regclass(format('%I.fstore_migrations', v_schema)) IS NULL THEN
    IF to_regclass(format('%I.events', v_schema)) IS NOT NULL
      AND current_setting('fstore.adopt', true) IS DISTINCT FROM 'on' THEN
      RAISE EXCEPTION 'schema "%" already holds a table "events" that was not installed by fstore', v_schema
        USING ERRCODE = 'FS008', HINT = 'Choose another schema: psql -v schema=NAME, or fstore-lua --schema NAME init. '
          'A store made by the original schema can be adopted: psql -v adopt=on, or fstore-lua init --adopt.';
    END IF;
    CREATE TABLE fstore_migrations (
      version bigint CONSTRAINT fstore_migrations_pkey PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE fstore_migrations IS 'The migrations applied to this schema, one row each.';
    COMMENT ON COLUMN fstore_migrations.version IS 'Number of the migration, from 1, without gaps.';
    COMMENT ON COLUMN fstore_migrations.name IS 'Name of its file, without number and ending.';
    COMMENT ON COLUMN fstore_migrations.applied_at IS 'When it was applied.';
    COMMENT ON CONSTRAINT fstore_migrations_pkey ON fstore_migrations IS 'A migration is applied once.';
  END IF;
  SELECT coalesce(max(version), 0) INTO newest_there FROM fstore_migrations;
  IF newest_there > newest_here THEN
    RAISE EXCEPTION 'schema "%" is at version %, newer than these files (version %)',
      v_schema, newest_there, newest_here
      USING ERRCODE = 'FS009', HINT = 'Install a newer fstore-lua; nothing was changed.';
  END IF;
END
$$;
