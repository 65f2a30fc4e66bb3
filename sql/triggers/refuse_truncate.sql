CREATE OR REPLACE FUNCTION refuse_truncate()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'table "%" is immutable: it cannot be truncated', TG_TABLE_NAME
    USING ERRCODE = 'FS005', HINT = 'Drop the schema to give up the whole store.';
END
$$;
COMMENT ON FUNCTION refuse_truncate() IS 'Trigger: keeps the log and the registry of events from being emptied (I5).';

CREATE OR REPLACE TRIGGER t_refuse_truncate BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
COMMENT ON TRIGGER t_refuse_truncate ON events IS 'Events never go (I5).';
CREATE OR REPLACE TRIGGER t_refuse_truncate BEFORE TRUNCATE ON deciders
FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
COMMENT ON TRIGGER t_refuse_truncate ON deciders IS 'Registered events never go (I5).';
