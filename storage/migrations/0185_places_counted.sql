-- A program has so many places at most: they are counted in its row, which whoever registers one more waits for.
ALTER TABLE programs ADD COLUMN places int NOT NULL DEFAULT 0 CHECK (places >= 0);
UPDATE programs g SET places = n.places
FROM (SELECT program_id, count(*)::int AS places FROM program_places GROUP BY program_id) n WHERE n.program_id = g.id;
