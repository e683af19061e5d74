-- Streams of events, the source of truth, and every other message that is published. Times are
-- microseconds since the Unix epoch, UTC; JSON is text.
CREATE TABLE streams (
    tenant_id TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, aggregate_type, aggregate_id)
);

-- Never changed and never deleted. `version` is that of the stream; messages that belong to no
-- stream have none.
CREATE TABLE messages (
    seq {serial},
    message_id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version BIGINT,
    type TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (tenant_id, aggregate_type, aggregate_id, version)
);
