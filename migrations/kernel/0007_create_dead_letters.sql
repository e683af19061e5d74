-- What a handler has given up on, or could not read. `source` is `consumer:<name>` or
-- `job:<queue>`; `payload` is the message as it came from its `channel`, or the job. A letter whose `replay_at` is
-- set is handled again from that time on.
CREATE TABLE dead_letters (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    replay_at BIGINT,
    payload {bytes} NOT NULL
);

CREATE INDEX dead_letters_of_tenant ON dead_letters (tenant_id, id);
CREATE INDEX dead_letters_to_replay ON dead_letters (source, replay_at);
