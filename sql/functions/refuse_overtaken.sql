CREATE OR REPLACE FUNCTION refuse_overtaken(v_view text, v_decider_id uuid)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'another event of this partition was handed to a view first'
    USING ERRCODE = 'FS001', DETAIL = format('View %s has leased a later event of partition %s.', v_view, v_decider_id),
      HINT = 'Append again: the event then gets a later offset.';
END
$$;
COMMENT ON FUNCTION refuse_overtaken(text, uuid) IS
  'Raises a conflict: an append that took its offset early, and came late, would be delivered out of order (D10).';
