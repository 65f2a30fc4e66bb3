CREATE OR REPLACE FUNCTION on_insert_on_events()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off -- a plan made when the tables were empty must hold when they are not
SET enable_bitmapscan = off -- nor may locks be taken in another order than that of their key
AS $$
DECLARE
  e_decider_id uuid; -- of the first new event, like the next ones
  e_offset bigint;
  e_final boolean;
  e_previous_id uuid;
  is_set boolean;
  registered text[];
  is_fine boolean;
  moved bigint := 0;
BEGIN
  -- I2, I3: each event but a first one follows an earlier, not final event of its own stream. That there is one first
  -- event and one successor of each is kept by events_first_key and events_previous_id_key. Only event_id can be looked
  -- up here: another index would walk the stream. I6: progress begins at 0, no view would see an event there.
  SELECT n.decider_id, n."offset", n.final, n.previous_id, EXISTS (SELECT FROM new_events OFFSET 1),
    ARRAY(SELECT v.view FROM views AS v), n."offset" > 0 AND (n.previous_id IS NULL OR (
      SELECT p.decider_id = n.decider_id AND p.decider = n.decider AND p."offset" < n."offset" AND NOT p.final
      FROM events AS p
      WHERE p.event_id = n.previous_id
    ))
  INTO e_decider_id, e_offset, e_final, e_previous_id, is_set, registered, is_fine
  FROM new_events AS n;
  IF is_set THEN -- one event is checked by itself, without one more scan of the new ones
    SELECT NOT EXISTS (
      SELECT FROM new_events AS n
      WHERE (n."offset" > 0 AND (n.previous_id IS NULL OR (
        SELECT p.decider_id = n.decider_id AND p.decider = n.decider AND p."offset" < n."offset" AND NOT p.final
        FROM events AS p
        WHERE p.event_id = n.previous_id
      ))) IS NOT TRUE
    ) INTO is_fine;
  END IF;
  IF is_fine IS NOT TRUE THEN
    PERFORM reject_broken(n.*) FROM new_events AS n;
  END IF;

  -- I6: a transaction whose snapshot is older than a view's registration does not see the view. It cannot lock the row
  -- that the registration has rewritten either: it fails to serialize.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM FROM view_registrations FOR SHARE;
  END IF;
  IF registered = '{}' THEN
    RETURN NULL;
  END IF;

  -- A later event finds its partition's locks there: to update them costs 0.7 of what inserting them in vain does.
  IF NOT is_set AND e_previous_id IS NOT NULL THEN
    UPDATE locks AS l
    SET "offset" = CASE WHEN e_offset > l.leased_offset AND e_offset > l.last_offset
          THEN greatest(l."offset", e_offset) ELSE refuse_overtaken(l.view, l.decider_id) END,
      offset_final = CASE WHEN e_offset > l."offset" THEN e_final ELSE l.offset_final END,
      pending_from = CASE WHEN l.parked_at IS NULL THEN coalesce(l.pending_from, e_offset) END,
      updated_at = now()
    -- IS TRUE keeps the views out of the index condition: one descent finds the partition's locks, in key order.
    WHERE l.decider_id = e_decider_id AND (l.view = ANY (registered)) IS TRUE;
    GET DIAGNOSTICS moved = ROW_COUNT;
  END IF;
  IF moved < cardinality(registered) THEN
    INSERT INTO locks AS l (view, decider_id, "offset", last_offset, pending_from, locked_until, offset_final)
    SELECT v.view, p.decider_id, p.head, 0, p.first_new, now(), p.final
    FROM views AS v
    CROSS JOIN (
      SELECT n.decider_id, max(n."offset") AS head, min(n."offset") AS first_new,
        coalesce(max(n."offset") = max(n."offset") FILTER (WHERE n.final), false) AS final
      FROM new_events AS n
      GROUP BY n.decider_id
    ) AS p
    ORDER BY p.decider_id, v.view -- one order of locking for everybody: no deadlocks between appends
    ON CONFLICT ON CONSTRAINT locks_pkey DO UPDATE
    SET "offset" = CASE WHEN excluded.pending_from > l.leased_offset AND excluded.pending_from > l.last_offset
          THEN greatest(l."offset", excluded."offset") ELSE refuse_overtaken(l.view, l.decider_id) END,
      offset_final = CASE WHEN excluded."offset" > l."offset" THEN excluded.offset_final ELSE l.offset_final END,
      pending_from = CASE WHEN l.parked_at IS NULL THEN coalesce(l.pending_from, excluded.pending_from) END,
      updated_at = now();
  END IF;

  -- What wake_up() asks, without a call of it.
  IF NOT (pg_try_advisory_lock(TG_RELID::integer, 0) AND pg_advisory_unlock(TG_RELID::integer, 0)) THEN
    PERFORM wake_up();
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION on_insert_on_events() IS
  'Trigger: guards the streams (I2, I3), makes the events pending in every view (I6), and wakes consumers that wait.';

CREATE OR REPLACE TRIGGER t_on_insert_on_events AFTER INSERT ON events
REFERENCING NEW TABLE AS new_events
FOR EACH STATEMENT EXECUTE FUNCTION on_insert_on_events();
COMMENT ON TRIGGER t_on_insert_on_events ON events IS 'What every append goes through, as a set.';
