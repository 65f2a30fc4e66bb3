-- Frozen once released: change the store by a new migration.
INSERT INTO fstore_migrations (version, name) VALUES (3, 'commands');

CREATE TABLE commands (
  "command_id" UUID CONSTRAINT commands_pkey PRIMARY KEY,
  "digest" UUID NOT NULL,
  "event_ids" UUID[] NOT NULL,
  "handled_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);
COMMENT ON TABLE commands IS
  'Commands handled under an id that their sender chose: each is handled once. Rows older than any repetition may go.';
COMMENT ON COLUMN commands."command_id" IS 'Identity of the command, chosen by its sender.';
COMMENT ON COLUMN commands."digest" IS
  'Tells another command under the same id: a UUID v5 of decider, decider_id, name and data.';
COMMENT ON COLUMN commands."event_ids" IS 'The events that the command led to, in order.';
COMMENT ON COLUMN commands."handled_at" IS 'When the transaction that handled it began.';
COMMENT ON CONSTRAINT commands_pkey ON commands IS
  'A command is handled once, however many repeat it at the same moment.';
