-- Where the message of a letter lay in its `channel`, if it was read from a topic: such a letter is
-- shipped to a topic of its own, once or more. The row is the truth; `shipped_at` says that a broker
-- has it, or that none will ever take it.
ALTER TABLE dead_letters ADD COLUMN topic_partition BIGINT;
ALTER TABLE dead_letters ADD COLUMN topic_offset BIGINT;
ALTER TABLE dead_letters ADD COLUMN topic_key TEXT;
ALTER TABLE dead_letters ADD COLUMN shipped_at BIGINT;

CREATE INDEX dead_letters_to_ship ON dead_letters (channel, source, id)
    WHERE topic_offset IS NOT NULL AND shipped_at IS NULL;
