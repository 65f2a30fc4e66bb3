CREATE OR REPLACE FUNCTION before_update_views_table()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at = NOW();
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION before_update_views_table() IS 'Trigger: keeps views.updated_at true.';

CREATE OR REPLACE TRIGGER t_before_update_views_table BEFORE UPDATE ON views
FOR EACH ROW EXECUTE FUNCTION before_update_views_table();
COMMENT ON TRIGGER t_before_update_views_table ON views IS 'Bumps updated_at.';
