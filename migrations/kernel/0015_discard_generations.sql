-- Generations of a projection that nobody reads any more, as a list in JSON: their tables are dropped
-- bit by bit.
ALTER TABLE projections ADD COLUMN discarded TEXT;
