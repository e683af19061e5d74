-- The state of an aggregate up to a version of its stream, so that a long stream is not read
-- whole. A row may be lost: it is made from the stream again. `shape` is the version of the state's
-- form; a row of another form is not read.
CREATE TABLE snapshots (
    tenant_id TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    shape BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant_id, aggregate_type, aggregate_id)
);
