-- Work that is to be done outside a transaction. `run_at` is when it may be taken, 0 at once; whoever takes a
-- job moves it on by the length of a lease, and `epoch` by one, so that a worker that was lost
-- gives it back and one that comes too late is refused.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    job_key TEXT,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    payload TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    UNIQUE (tenant_id, queue, job_key)
);

CREATE INDEX jobs_by_time ON jobs (queue, run_at, id);
