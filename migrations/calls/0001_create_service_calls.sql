-- The read model of service calls. Times are microseconds since the Unix epoch, UTC; JSON is text.
-- `version` is that of the stream up to which the row tells it.
CREATE TABLE service_calls (
    tenant_id TEXT NOT NULL,
    service_call_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant_id, service_call_id)
);

CREATE INDEX service_calls_by_age ON service_calls (tenant_id, created_at, service_call_id);

CREATE TABLE service_call_tags (
    tenant_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    service_call_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, tag, service_call_id)
);
