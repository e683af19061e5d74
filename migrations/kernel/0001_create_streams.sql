-- Event streams: the source of truth. Times are microseconds since the Unix epoch, UTC; JSON is
-- text.
-- `position` is the order of commit: there is one writer, so a later commit has a higher position.
CREATE TABLE streams (
    tenant_id TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, aggregate_type, aggregate_id)
);

CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    schema_version BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (tenant_id, aggregate_type, aggregate_id, version)
);

CREATE INDEX events_of_tenant ON events (tenant_id, position);
