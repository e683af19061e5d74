-- Who did what, and to what; `detail` is JSON. `written_by` is the transaction that wrote the row.
CREATE TABLE audit_log (
    seq {serial},
    tenant_id TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT,
    detail TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    written_by BIGINT NOT NULL
);

CREATE INDEX audit_log_of_tenant ON audit_log (tenant_id, seq);
CREATE INDEX audit_log_by_subject ON audit_log (tenant_id, subject, seq);

-- What was published is not unsaid either.
{immutable audit_log}
{immutable messages}
