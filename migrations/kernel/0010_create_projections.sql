-- Which generation of its tables a projection reads and writes, what they were made from, and
-- whether a new one is being built.
CREATE TABLE projections (
    name TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    building BIGINT NOT NULL
);
