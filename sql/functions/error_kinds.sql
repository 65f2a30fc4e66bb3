CREATE OR REPLACE FUNCTION error_kinds()
RETURNS TABLE ("sqlstate" text, kind text, description text)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  VALUES
    ('FS001', 'conflict', 'another event came first: previous_id is not the last event of its stream'),
    ('FS002', 'final', 'the stream is closed by a final event'),
    ('FS003', 'wrong_previous', 'previous_id names no event of the same stream'),
    ('FS004', 'unknown_event', 'the event is not registered for its decider in that version'),
    ('FS005', 'immutable', 'events and deciders cannot be emptied'),
    ('FS006', 'duplicate', 'an event with this event_id is stored already'),
    ('FS008', 'invalid', 'an argument has a value that cannot be used'),
    ('FS009', 'newer_schema', 'the store is newer than the program that installs it');
END;
COMMENT ON FUNCTION error_kinds() IS 'Every SQLSTATE that the store itself raises, with its kind and meaning.';
