-- API keys; of their secrets only the SHA-256 is here. Times are microseconds since the Unix epoch,
-- UTC; scopes are words between spaces.
CREATE TABLE api_keys (
    tenant_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_hash {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, key_id)
);

-- Whose a key is is known when it is found.
CREATE UNIQUE INDEX api_keys_by_id ON api_keys (key_id);
