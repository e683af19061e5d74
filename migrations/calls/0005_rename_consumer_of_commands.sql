-- The consumer of commands had the name of the consumer of events that there was before it, so that
-- a process of either version passed over what the other had published. It has a name of its own
-- now, and goes on where the one before it was: what that one has passed over is queued when a
-- worker starts.
INSERT INTO checkpoints (reader, position)
SELECT 'consumer:service_calls.commands', position
FROM checkpoints
WHERE reader = 'consumer:service_calls.execution'
ON CONFLICT (reader) DO NOTHING;
UPDATE inbox SET consumer = 'service_calls.commands' WHERE consumer = 'service_calls.execution';
UPDATE dead_letters
SET source = 'consumer:service_calls.commands'
WHERE source = 'consumer:service_calls.execution' AND channel = 'scheduler.commands.v1';
