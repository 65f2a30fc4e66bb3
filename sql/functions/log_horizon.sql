CREATE OR REPLACE FUNCTION log_horizon()
RETURNS TABLE ("offset" bigint, in_flight text[])
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  -- In this order: who took one of these offsets had locked the table before, and holds that lock until it has ended.
  "offset" := coalesce(pg_sequence_last_value('events_offset_seq'), 0);
  in_flight := ARRAY(SELECT appends_in_flight());
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION log_horizon() IS
  'The last offset handed out, and the transactions that may still commit events up to it: when these have ended, the '
  'log is complete that far.';
