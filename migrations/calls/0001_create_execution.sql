-- Calls whose turn it is; the row goes in the transaction that starts the attempt.
-- `ready_at` moves on when a call could not be started.
CREATE TABLE service_call_queue (
    tenant_id TEXT NOT NULL,
    service_call_id TEXT NOT NULL,
    ready_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, service_call_id)
);

CREATE INDEX service_call_queue_by_time ON service_call_queue (ready_at, service_call_id);

-- The values of sensitive request headers, which events do not hold. The row goes in the
-- transaction that starts the attempt: nothing is sent twice.
CREATE TABLE service_call_secrets (
    tenant_id TEXT NOT NULL,
    service_call_id TEXT NOT NULL,
    headers TEXT NOT NULL,
    PRIMARY KEY (tenant_id, service_call_id)
);
