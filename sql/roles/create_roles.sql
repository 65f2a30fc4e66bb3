-- The roles themselves, and who may append to what.
DO $$
DECLARE
  v_schema CONSTANT text := current_setting('fstore.schema');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('fstore.install.' || v_schema, 0));
  PERFORM set_config('search_path', format('%I, pg_temp', v_schema), true);
  IF to_regclass(format('%I.fstore_migrations', v_schema)) IS NULL THEN
    RAISE EXCEPTION 'schema "%" holds no store', v_schema
      USING ERRCODE = 'FS008', HINT = 'Install it first: psql -f sql/install.sql, or fstore-lua init.';
  ELSIF has_schema_privilege('public', v_schema, 'CREATE') THEN
    RAISE EXCEPTION 'everybody may create objects in schema "%"', v_schema
      USING ERRCODE = 'FS008', DETAIL = 'Functions put there could be run with the rights of the owner.',
        HINT = format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC;', v_schema);
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS access_roles (
  "may" text CONSTRAINT access_roles_pkey PRIMARY KEY
    CONSTRAINT access_roles_may_check CHECK ("may" IN ('read', 'append', 'consume')),
  "role" regrole NOT NULL
);
COMMENT ON TABLE access_roles IS 'The roles that use the store through its functions alone.';
COMMENT ON COLUMN access_roles."may" IS 'What the members may do.';
COMMENT ON COLUMN access_roles."role" IS 'The role.';
COMMENT ON CONSTRAINT access_roles_may_check ON access_roles IS 'The kinds of access there are.';

CREATE TABLE IF NOT EXISTS append_grants (
  "decider" text,
  "role" regrole,
  CONSTRAINT append_grants_pkey PRIMARY KEY ("decider", "role")
);
COMMENT ON TABLE append_grants IS
  'Which deciders a role, and all its members, may append to and read. The owner of the store writes it.';
COMMENT ON COLUMN append_grants."decider" IS 'Name of the decider.';
COMMENT ON COLUMN append_grants."role" IS 'The role: one user, or a group.';

DO $$
DECLARE
  v_prefix CONSTANT text := current_setting('fstore.role_prefix');
  v_may text;
  v_role text;
BEGIN
  FOREACH v_may IN ARRAY ARRAY['read', 'append', 'consume'] LOOP
    v_role := v_prefix || '_' || v_may;
    IF to_regrole(quote_ident(v_role)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
      EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, 'fstore: members may ' || v_may);
    END IF;
    INSERT INTO access_roles AS a ("may", "role") VALUES (v_may, quote_ident(v_role)::regrole)
    ON CONFLICT ON CONSTRAINT access_roles_pkey DO NOTHING;
    IF NOT EXISTS (SELECT FROM access_roles AS a WHERE a."may" = v_may AND a."role" = quote_ident(v_role)::regrole) THEN
      RAISE EXCEPTION 'the store has roles with another prefix'
        USING ERRCODE = 'FS008', DETAIL = format('See %I.access_roles.', current_schema());
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), v_role);
    EXECUTE format('REVOKE ALL ON deciders, events, views, locks, commands, fstore_migrations, access_roles, '
      'append_grants FROM %I, PUBLIC', v_role);
  END LOOP;
END
$$;
