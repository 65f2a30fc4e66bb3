-- Frozen once released: change the store by a new migration.
INSERT INTO fstore_migrations (version, name) VALUES (1, 'event_sourcing');

CREATE TABLE deciders (
  "decider" TEXT NOT NULL,
  "event" TEXT NOT NULL,
  "event_version" BIGINT NOT NULL DEFAULT 1,
  "description" TEXT NOT NULL,
  CONSTRAINT deciders_pkey PRIMARY KEY ("decider", "event", "event_version")
);
COMMENT ON TABLE deciders IS 'The events each decider may publish. Only what is registered here can be appended (I4).';
COMMENT ON COLUMN deciders."decider" IS 'Name (type) of the decider.';
COMMENT ON COLUMN deciders."event" IS 'Name (type) of an event this decider can publish.';
COMMENT ON COLUMN deciders."event_version" IS 'Version of the event''s schema.';
COMMENT ON COLUMN deciders."description" IS 'What the event means.';
COMMENT ON CONSTRAINT deciders_pkey ON deciders IS 'An event is registered once for each version.';

-- What grows at its right end packs its pages fuller than the usual 90: as full as writers beside each other leave it.
-- Offsets come in order but for those in flight, ids but for their clients' clocks, a previous_id one event late. The
-- entries of a stream lie behind its first one wherever that is: event_streaming_index needs the room.
CREATE TABLE events (
  "event" TEXT NOT NULL,
  "event_id" UUID NOT NULL CONSTRAINT events_event_id_key UNIQUE WITH (fillfactor = 97),
  "event_version" BIGINT NOT NULL DEFAULT 1,
  "decider" TEXT NOT NULL,
  "decider_id" UUID NOT NULL,
  "data" JSONB NOT NULL,
  "command_id" UUID NOT NULL,
  "previous_id" UUID,
  "final" BOOLEAN NOT NULL DEFAULT FALSE,
  "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "offset" BIGSERIAL CONSTRAINT events_pkey PRIMARY KEY WITH (fillfactor = 98),
  CONSTRAINT events_decider_event_event_version_fkey FOREIGN KEY ("decider", "event", "event_version")
    REFERENCES deciders ("decider", "event", "event_version")
);
COMMENT ON TABLE events IS 'The immutable log: every event of every stream, in one order.';
COMMENT ON COLUMN events."event" IS 'Name (type) of the event.';
COMMENT ON COLUMN events."event_id" IS 'Identity of the event; the next event of its stream names it as previous_id.';
COMMENT ON COLUMN events."event_version" IS 'Version of the event''s schema.';
COMMENT ON COLUMN events."decider" IS 'Name (type) of the decider that published it.';
COMMENT ON COLUMN events."decider_id" IS 'Identity of the decider; the partition of event streaming.';
COMMENT ON COLUMN events."data" IS 'What happened, as JSON.';
COMMENT ON COLUMN events."command_id" IS 'The command that caused the event.';
COMMENT ON COLUMN events."previous_id" IS 'The event just before it in its stream; NULL for the first.';
COMMENT ON COLUMN events."final" IS 'Whether the event closes its stream.';
COMMENT ON COLUMN events."created_at" IS 'When the transaction that appended it began.';
COMMENT ON COLUMN events."offset" IS 'Place in the log, over all streams; grows within a partition, with gaps.';
COMMENT ON CONSTRAINT events_pkey ON events IS 'The log in order.';
COMMENT ON CONSTRAINT events_event_id_key ON events IS 'An event is stored once.';
COMMENT ON CONSTRAINT events_decider_event_event_version_fkey ON events IS 'Only registered events get in (I4).';
COMMENT ON SEQUENCE events_offset_seq IS 'Source of events.offset. Its cache must stay 1: order depends on it.';

CREATE UNIQUE INDEX events_first_key ON events ("decider_id", "decider") WITH (fillfactor = 97)
  WHERE "previous_id" IS NULL;
COMMENT ON INDEX events_first_key IS 'One first event per stream, ever, however many race for it (I1).';
-- An index, for a constraint cannot leave the NULLs out: with them at its right end all other pages stay half full.
CREATE UNIQUE INDEX events_previous_id_key ON events ("previous_id") WITH (fillfactor = 95)
  WHERE "previous_id" IS NOT NULL;
COMMENT ON INDEX events_previous_id_key IS 'No event has two successors: streams do not fork (I2).';
CREATE INDEX event_streaming_index ON events ("decider_id", "offset");
COMMENT ON INDEX event_streaming_index IS 'Streams and partitions in order: loading, and the next event of a lease.';

CREATE RULE ignore_delete_decider_events AS ON DELETE TO deciders DO INSTEAD NOTHING;
COMMENT ON RULE ignore_delete_decider_events ON deciders IS 'Registered events never go (I5).';
CREATE RULE ignore_update_decider_events AS ON UPDATE TO deciders DO INSTEAD NOTHING;
COMMENT ON RULE ignore_update_decider_events ON deciders IS 'Registered events never change (I5).';
CREATE RULE ignore_delete_events AS ON DELETE TO events DO INSTEAD NOTHING;
COMMENT ON RULE ignore_delete_events ON events IS 'Events never go (I5).';
CREATE RULE ignore_update_events AS ON UPDATE TO events DO INSTEAD NOTHING;
COMMENT ON RULE ignore_update_events ON events IS 'Events never change (I5).';
