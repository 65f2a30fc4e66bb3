-- A store as the original schema makes it, in the schema that search_path names: its tables, indexes and rules, and
-- functions and triggers with its names and signatures that do what its do.
CREATE TABLE deciders (
  decider text NOT NULL, event text NOT NULL, event_version bigint NOT NULL DEFAULT 1, description text NOT NULL,
  PRIMARY KEY (decider, event, event_version)
);
CREATE TABLE events (
  event text NOT NULL, event_id uuid NOT NULL UNIQUE, event_version bigint NOT NULL DEFAULT 1, decider text NOT NULL,
  decider_id uuid NOT NULL, data jsonb NOT NULL, command_id uuid NOT NULL, previous_id uuid UNIQUE,
  final boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), "offset" bigserial PRIMARY KEY,
  FOREIGN KEY (decider, event, event_version) REFERENCES deciders (decider, event, event_version)
);
CREATE INDEX decider_index ON events (decider_id, decider);
CREATE INDEX event_streaming_index ON events (decider_id, "offset");
CREATE RULE ignore_delete_decider_events AS ON DELETE TO deciders DO INSTEAD NOTHING;
CREATE RULE ignore_update_decider_events AS ON UPDATE TO deciders DO INSTEAD NOTHING;
CREATE RULE ignore_delete_events AS ON DELETE TO events DO INSTEAD NOTHING;
CREATE RULE ignore_update_events AS ON UPDATE TO events DO INSTEAD NOTHING;
CREATE TABLE views (
  view text PRIMARY KEY, start_at timestamp NOT NULL DEFAULT now(), lock_timeout_s bigint NOT NULL DEFAULT 300,
  pooling_delay_s bigint, edge_function_url text, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE locks (
  view text NOT NULL REFERENCES views (view) ON DELETE CASCADE, decider_id uuid NOT NULL, "offset" bigint NOT NULL,
  last_offset bigint NOT NULL, locked_until timestamptz NOT NULL DEFAULT now() - interval '1ms',
  offset_final boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (view, decider_id)
);
CREATE INDEX locks_index ON locks (view, locked_until, last_offset);

CREATE FUNCTION check_final_event_for_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM events AS e WHERE e.decider_id = NEW.decider_id AND e.decider = NEW.decider AND e.final) THEN
    RAISE EXCEPTION 'the stream is closed';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER t_check_final_event_for_decider BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION check_final_event_for_decider();
CREATE FUNCTION check_first_event_for_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.previous_id IS NULL
    AND EXISTS (SELECT FROM events AS e WHERE e.decider_id = NEW.decider_id AND e.decider = NEW.decider) THEN
    RAISE EXCEPTION 'not the first event';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER t_check_first_event_for_decider BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION check_first_event_for_decider();
CREATE FUNCTION check_previous_id_in_same_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.previous_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM events AS e
    WHERE e.event_id = NEW.previous_id AND e.decider_id = NEW.decider_id AND e.decider = NEW.decider) THEN
    RAISE EXCEPTION 'not the previous event';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER t_check_previous_id_in_same_decider BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION check_previous_id_in_same_decider();
CREATE FUNCTION before_update_views_table() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN NEW.updated_at := now(); RETURN NEW; END';
CREATE TRIGGER t_before_update_views_table BEFORE UPDATE ON views
FOR EACH ROW EXECUTE FUNCTION before_update_views_table();
CREATE FUNCTION before_update_locks_table() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN NEW.updated_at := now(); RETURN NEW; END';
CREATE TRIGGER t_before_update_locks_table BEFORE UPDATE ON locks
FOR EACH ROW EXECUTE FUNCTION before_update_locks_table();
CREATE FUNCTION on_insert_on_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO locks (view, decider_id, "offset", last_offset, locked_until, offset_final)
  SELECT v.view, NEW.decider_id, NEW."offset", 0, now(), NEW.final FROM views AS v
  ON CONFLICT (view, decider_id) DO UPDATE SET "offset" = NEW."offset", offset_final = NEW.final;
  RETURN NEW;
END $$;
CREATE TRIGGER t_on_insert_on_events AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION on_insert_on_events();
CREATE FUNCTION on_insert_or_update_on_views() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO locks (view, decider_id, "offset", last_offset, locked_until, offset_final)
  SELECT NEW.view, e.decider_id, max(e."offset"),
    coalesce(min(e."offset") FILTER (WHERE e.created_at >= NEW.start_at) - 1, max(e."offset")), now(), bool_or(e.final)
  FROM events AS e GROUP BY e.decider_id
  ON CONFLICT (view, decider_id) DO UPDATE SET "offset" = excluded."offset", last_offset = excluded.last_offset;
  RETURN NEW;
END $$;
CREATE TRIGGER t_on_insert_or_update_on_views AFTER INSERT OR UPDATE ON views
FOR EACH ROW EXECUTE FUNCTION on_insert_or_update_on_views();

CREATE FUNCTION register_decider_event(
  v_decider text, v_event text, v_description text, v_event_version bigint DEFAULT 1
)
RETURNS SETOF deciders LANGUAGE sql AS
'INSERT INTO deciders (decider, event, event_version, description) VALUES ($1, $2, $4, $3) RETURNING *';
CREATE FUNCTION append_event(
  v_event text, v_event_id uuid, v_decider text, v_decider_id uuid, v_data jsonb, v_command_id uuid, v_previous_id uuid,
  v_event_version bigint DEFAULT 1
)
RETURNS SETOF events LANGUAGE sql AS
'INSERT INTO events (event, event_id, decider, decider_id, data, command_id, previous_id, event_version)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *';
CREATE FUNCTION get_events(v_decider_id uuid, v_decider text) RETURNS SETOF events LANGUAGE sql AS
'SELECT * FROM events WHERE decider_id = $1 AND decider = $2 ORDER BY "offset"';
CREATE FUNCTION get_last_event(v_decider_id uuid, v_decider text) RETURNS SETOF events LANGUAGE sql AS
'SELECT * FROM events WHERE decider_id = $1 ORDER BY "offset" DESC LIMIT 1';
CREATE FUNCTION register_view(
  v_view text, v_start_at timestamp DEFAULT now(), v_lock_timeout_s bigint DEFAULT 300,
  v_pooling_delay_s bigint DEFAULT NULL, v_edge_function_url text DEFAULT NULL
)
RETURNS SETOF views LANGUAGE sql AS
'INSERT INTO views (view, start_at, lock_timeout_s, pooling_delay_s, edge_function_url) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (view) DO UPDATE SET start_at = excluded.start_at RETURNING *';
CREATE FUNCTION stream_events(v_view_name text, v_limit integer DEFAULT 1, v_seconds integer DEFAULT 300)
RETURNS SETOF events LANGUAGE sql AS $$
  WITH taken AS (
    UPDATE locks AS l SET locked_until = now() + v_seconds * interval '1s'
    FROM (
      SELECT decider_id FROM locks WHERE view = v_view_name AND locked_until < now() AND last_offset < "offset"
      ORDER BY "offset" LIMIT v_limit FOR UPDATE SKIP LOCKED
    ) AS free
    WHERE l.view = v_view_name AND l.decider_id = free.decider_id
    RETURNING l.decider_id, l.last_offset
  )
  SELECT e.* FROM taken AS t
  CROSS JOIN LATERAL (
    SELECT * FROM events WHERE decider_id = t.decider_id AND "offset" > t.last_offset ORDER BY "offset" LIMIT 1) AS e
$$;
CREATE FUNCTION ack_event(v_view text, v_decider_id uuid, v_offset bigint) RETURNS SETOF locks LANGUAGE sql AS
'UPDATE locks SET locked_until = now(), last_offset = $3 WHERE view = $1 AND decider_id = $2 RETURNING *';
CREATE FUNCTION nack_event(v_view text, v_decider_id uuid) RETURNS SETOF locks LANGUAGE sql AS
'UPDATE locks SET locked_until = now() WHERE view = $1 AND decider_id = $2 RETURNING *';
CREATE FUNCTION schedule_nack_event(v_view text, v_decider_id uuid, v_milliseconds bigint) RETURNS SETOF locks
LANGUAGE sql AS
'UPDATE locks SET locked_until = now() + $3 * interval ''1ms'' WHERE view = $1 AND decider_id = $2 RETURNING *';
