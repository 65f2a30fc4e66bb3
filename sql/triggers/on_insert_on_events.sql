CREATE OR REPLACE FUNCTION on_insert_on_events()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off -- a plan made when the tables were empty must hold when they are not
AS $$
DECLARE
  is_streamed boolean;
  is_broken boolean;
  inserted bigint;
BEGIN
  -- I2, I3: each event but a first one follows an earlier, not final event of its own stream. That there is one first
  -- event and one successor of each is kept by events_first_key and events_previous_id_key.
  SELECT EXISTS (SELECT FROM views), EXISTS (
    SELECT FROM new_events AS n
    WHERE n.previous_id IS NOT NULL
      AND (
        -- Only event_id can be looked up here: another index would walk the stream.
        SELECT p.decider_id = n.decider_id AND p.decider = n.decider AND p."offset" < n."offset" AND NOT p.final
        FROM events AS p
        WHERE p.event_id = n.previous_id
      ) IS NOT TRUE
  ), (SELECT count(*) FROM new_events) INTO is_streamed, is_broken, inserted;
  IF is_broken THEN
    PERFORM reject_broken(n.*) FROM new_events AS n WHERE n.previous_id IS NOT NULL;
  END IF;

  -- I6: a transaction whose snapshot is older than a view's registration does not see the view. It cannot lock the row
  -- that the registration has rewritten either: it fails to serialize.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM FROM view_registrations FOR SHARE;
  END IF;
  IF NOT is_streamed THEN
    RETURN NULL;
  END IF;

  -- One event, one partition: nothing to group and to sort, which would cost as much as the rest. Else as a set.
  IF inserted = 1 THEN
  INSERT INTO locks AS l (view, decider_id, "offset", last_offset, waiting_from, locked_until, offset_final)
  SELECT v.view, n.decider_id, n."offset", 0, n."offset", now(), n.final
  FROM views AS v CROSS JOIN new_events AS n
  ORDER BY v.view
  ON CONFLICT ON CONSTRAINT locks_pkey DO UPDATE
  SET "offset" = CASE WHEN excluded.waiting_from > l.leased_offset AND excluded.waiting_from > l.last_offset
        THEN greatest(l."offset", excluded."offset") ELSE refuse_overtaken(l.view, l.decider_id) END,
    offset_final = CASE WHEN excluded."offset" > l."offset" THEN excluded.offset_final ELSE l.offset_final END,
    waiting_from = CASE WHEN l.last_offset < l."offset" THEN l.waiting_from ELSE excluded.waiting_from END,
    updated_at = now();
  ELSE
    INSERT INTO locks AS l (view, decider_id, "offset", last_offset, waiting_from, locked_until, offset_final)
    SELECT v.view, p.decider_id, p.head, 0, p.first_new, now(), p.final
    FROM views AS v
    CROSS JOIN (
      SELECT n.decider_id, max(n."offset") AS head, min(n."offset") AS first_new,
        coalesce(max(n."offset") = max(n."offset") FILTER (WHERE n.final), false) AS final
      FROM new_events AS n
      GROUP BY n.decider_id
    ) AS p
    ORDER BY v.view, p.decider_id -- one order of locking for everybody: no deadlocks between appends
    ON CONFLICT ON CONSTRAINT locks_pkey DO UPDATE
    SET "offset" = CASE WHEN excluded.waiting_from > l.leased_offset AND excluded.waiting_from > l.last_offset
          THEN greatest(l."offset", excluded."offset") ELSE refuse_overtaken(l.view, l.decider_id) END,
      offset_final = CASE WHEN excluded."offset" > l."offset" THEN excluded.offset_final ELSE l.offset_final END,
      waiting_from = CASE WHEN l.last_offset < l."offset" THEN l.waiting_from ELSE excluded.waiting_from END,
      updated_at = now();
  END IF;
  PERFORM wake_up();
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION on_insert_on_events() IS
  'Trigger: guards the streams (I2, I3), makes the events pending in every view (I6), and wakes consumers that wait.';

CREATE OR REPLACE TRIGGER t_on_insert_on_events AFTER INSERT ON events
REFERENCING NEW TABLE AS new_events
FOR EACH STATEMENT EXECUTE FUNCTION on_insert_on_events();
COMMENT ON TRIGGER t_on_insert_on_events ON events IS 'What every append goes through, as a set.';
