-- Rates that processes count together: when the bucket of each is full again, and how many of its
-- tokens the last process that asked was given. Times are nanoseconds since the Unix epoch.
CREATE TABLE allotments (
    bucket TEXT NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL,
    granted BIGINT NOT NULL
);

CREATE INDEX allotments_by_end ON allotments (full_at);
