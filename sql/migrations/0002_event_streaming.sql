-- Frozen once released: change the store by a new migration.
INSERT INTO fstore_migrations (version, name) VALUES (2, 'event_streaming');

CREATE TABLE views (
  "view" TEXT,
  "start_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "lock_timeout_s" BIGINT NOT NULL DEFAULT 300,
  "pooling_delay_s" BIGINT DEFAULT NULL,
  "edge_function_url" TEXT DEFAULT NULL,
  "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "is_filled" BOOLEAN NOT NULL DEFAULT TRUE,
  "max_attempts" INTEGER CONSTRAINT views_max_attempts_check CHECK ("max_attempts" > 0),
  CONSTRAINT views_pkey PRIMARY KEY ("view")
);
COMMENT ON TABLE views IS 'The views that events are streamed to.';
COMMENT ON COLUMN views."view" IS 'Name of the view.';
COMMENT ON COLUMN views."start_at" IS 'Each partition is streamed from its first event created at or after this time.';
COMMENT ON COLUMN views."lock_timeout_s" IS 'How long a lease lasts, in seconds, when the caller does not say.';
COMMENT ON COLUMN views."pooling_delay_s" IS 'Seconds between two polls of a pushed view; NULL: the client polls.';
COMMENT ON COLUMN views."edge_function_url" IS 'Where events are pushed to; NULL: the client pulls.';
COMMENT ON COLUMN views."created_at" IS 'When the view was registered.';
COMMENT ON COLUMN views."updated_at" IS 'When its registration last changed.';
COMMENT ON COLUMN views."max_attempts" IS 'Attempts after which a host parks a partition; NULL: 10.';
COMMENT ON CONSTRAINT views_pkey ON views IS 'A view is registered once.';
COMMENT ON CONSTRAINT views_max_attempts_check ON views IS 'At least one attempt.';
COMMENT ON COLUMN views."is_filled" IS
  'Whether every partition has its lock; false while a registration fills them in.';

-- The room that a page keeps is what ten leases take: so many neighbours leased together are HOT updates.
CREATE TABLE locks (
  "view" TEXT NOT NULL,
  "decider_id" UUID NOT NULL,
  "offset" BIGINT NOT NULL,
  "last_offset" BIGINT NOT NULL,
  "locked_until" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW() - INTERVAL '1ms',
  "offset_final" BOOLEAN NOT NULL,
  "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  "leased_offset" BIGINT NOT NULL DEFAULT 0,
  "until_offset" BIGINT NOT NULL DEFAULT 0,
  "token" BIGINT NOT NULL DEFAULT 0,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "holder" INTEGER,
  "parked_at" TIMESTAMP WITH TIME ZONE,
  "last_error" TEXT,
  "pending_from" BIGINT,
  CONSTRAINT locks_pkey PRIMARY KEY ("decider_id", "view") WITH (fillfactor = 97),
  CONSTRAINT locks_view_fkey FOREIGN KEY ("view") REFERENCES views ("view") ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON TABLE locks IS 'Progress and lease of every partition (decider_id) in every view.';
COMMENT ON COLUMN locks."view" IS 'Name of the view.';
COMMENT ON COLUMN locks."decider_id" IS 'The partition.';
COMMENT ON COLUMN locks."offset" IS 'Offset of the partition''s last event.';
COMMENT ON COLUMN locks."last_offset" IS 'Offset of the last event this view has handled.';
COMMENT ON COLUMN locks."locked_until" IS 'Leased, or put off, until then; free when past.';
COMMENT ON COLUMN locks."offset_final" IS 'Whether the last event closed its stream.';
COMMENT ON COLUMN locks."created_at" IS 'When the partition came to this view.';
COMMENT ON COLUMN locks."updated_at" IS 'When this row last changed.';
COMMENT ON COLUMN locks."leased_offset" IS 'Offset of the last event ever handed to a consumer.';
COMMENT ON COLUMN locks."until_offset" IS 'Offset of the last event of the last lease: acking it frees the partition.';
COMMENT ON COLUMN locks."token" IS 'Token of the last lease; only its holder can ack or nack by token (I7).';
COMMENT ON COLUMN locks."attempts" IS 'Leases taken since the last progress (I11).';
COMMENT ON COLUMN locks."holder" IS
  'Server process (pg_backend_pid) whose end ends the lease; NULL: only locked_until does.';
COMMENT ON COLUMN locks."parked_at" IS 'When the partition was set aside as failing; NULL: it is not.';
COMMENT ON COLUMN locks."last_error" IS 'What the last nack said went wrong; NULL after progress.';
COMMENT ON COLUMN locks."pending_from" IS
  'Where the partition stands in the queue: the offset it has waited from; NULL: nothing to lease, or parked.';
-- In the partition's order, unlike the original: an append finds the locks of all views beside each other.
COMMENT ON CONSTRAINT locks_pkey ON locks IS 'A partition has one lock in a view: one holder (I7).';
COMMENT ON CONSTRAINT locks_view_fkey ON locks IS 'A view that goes takes its locks with it.';

CREATE INDEX locks_pending_index ON locks ("view", "pending_from") WITH (fillfactor = 98)
  WHERE "pending_from" IS NOT NULL;
COMMENT ON INDEX locks_pending_index IS
  'Only what is pending, oldest first. No column of a lease is in an index: taking one is a HOT update.';

CREATE SEQUENCE locks_token_seq;
COMMENT ON SEQUENCE locks_token_seq IS 'Source of lease tokens, never used twice in the life of the store.';

CREATE TABLE view_registrations (
  "registered_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);
INSERT INTO view_registrations DEFAULT VALUES;
COMMENT ON TABLE view_registrations IS
  'One row, rewritten by every registration: what PostgreSQL lets no transaction lock whose snapshot is older (I6).';
COMMENT ON COLUMN view_registrations."registered_at" IS 'When a view was last registered or repositioned.';
