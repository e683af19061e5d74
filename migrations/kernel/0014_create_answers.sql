-- Answers to requests that carry an idempotency key, where the edge keeps them: until when a key is
-- somebody's, and what was answered then.
CREATE TABLE answers (
    tenant_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    permit BIGINT NOT NULL,
    until BIGINT NOT NULL,
    status BIGINT,
    media_type TEXT,
    headers TEXT,
    body {bytes},
    PRIMARY KEY (tenant_id, operation, idempotency_key)
);

CREATE INDEX answers_by_end ON answers (until);
