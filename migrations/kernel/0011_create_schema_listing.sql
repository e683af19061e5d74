-- What tables, columns, indexes and triggers there were after the last migration, one a line: a
-- database that has others by now was altered by somebody else.
CREATE TABLE schema_listing (
    id BIGINT NOT NULL PRIMARY KEY,
    listing TEXT NOT NULL
);
