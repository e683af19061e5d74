-- Which generation of its tables a projection is read from, and which is being built: each JSON of
-- a number, a digest of the statements that made it, and the names of its tables. `is_requested`
-- is 1 when somebody wants it built anew. `differences` is how many rows the last rebuild found
-- otherwise than they were.
CREATE TABLE projections (
    name TEXT NOT NULL PRIMARY KEY,
    live TEXT,
    building TEXT,
    is_requested BIGINT NOT NULL,
    differences BIGINT
);
