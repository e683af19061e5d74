-- The key that cursors are signed with; one for each database.
CREATE TABLE service_call_cursor_key (
    id BIGINT NOT NULL PRIMARY KEY,
    secret {bytes} NOT NULL
);
