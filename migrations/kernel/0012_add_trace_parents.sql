-- Where what led to a message, a timer or a job hangs in a distributed trace: `traceparent` of W3C
-- Trace Context, if it does.
ALTER TABLE messages ADD COLUMN traceparent TEXT;
ALTER TABLE timers ADD COLUMN traceparent TEXT;
ALTER TABLE jobs ADD COLUMN traceparent TEXT;
