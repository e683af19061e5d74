-- What was appended and is not yet published; the row goes when the relay has published it.
CREATE TABLE outbox (
    position BIGINT NOT NULL PRIMARY KEY REFERENCES events (position)
);

-- What a consumer has done, written in the transaction of the effect.
CREATE TABLE inbox (
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    handled_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, message_id)
);

-- Up to where a reader of the log is done with everything. `reader` is `consumer:<name>` or
-- `projection:<name>`.
CREATE TABLE checkpoints (
    reader TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);
