-- Timers that have not fired. `due_at` is what was asked; `fire_at` moves on when a handler has
-- failed.
CREATE TABLE timers (
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    timer_key TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    fire_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    payload TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, timer_key)
);

CREATE INDEX timers_by_time ON timers (kind, fire_at);
