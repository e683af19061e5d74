-- What was written and is not yet published; the row goes when the relay has given it a place in
-- the log. Rows of one `unit` were committed together. Nobody remembers how far the outbox was
-- read: a row that becomes visible late is found late, and never lost.
CREATE TABLE outbox (
    seq BIGINT NOT NULL PRIMARY KEY,
    unit BIGINT NOT NULL
);

-- The order in which messages were published: 1, 2, 3, without gaps. Whoever reads all messages
-- remembers a position of this log.
CREATE TABLE log (
    position BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    unit BIGINT NOT NULL
);

CREATE INDEX log_of_tenant ON log (tenant_id, position);

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

-- Who may act under a name. `epoch` rises with every holder; whoever writes under an older one is
-- refused.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
