-- The share that an offer's earning was computed with: who accepts it gets both, whatever staff set meanwhile. Unknown of what was
-- offered before, and by a node of before.
ALTER TABLE offers ADD COLUMN technician_share_pct numeric(5, 2) CHECK (technician_share_pct BETWEEN 0 AND 100);
