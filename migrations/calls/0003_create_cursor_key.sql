-- The key that cursors are signed with; one for each database.
CREATE TABLE service_call_cursor_key (
    secret BLOB NOT NULL
);

INSERT INTO service_call_cursor_key (secret) VALUES (randomblob(32));
