-- name: insert
-- Nothing where a program has all that it may have.
WITH counted AS (UPDATE programs SET places = places + 1 WHERE id = :program_id AND places < :most RETURNING id)
INSERT INTO program_places (program_id, name, place) SELECT id, :name, :place FROM counted RETURNING id;

-- name: of_program
SELECT id, name, place FROM program_places WHERE program_id = :program_id ORDER BY name, id;

-- name: delete
WITH gone AS (DELETE FROM program_places WHERE id = :id AND program_id = :program_id RETURNING program_id)
UPDATE programs SET places = places - 1 WHERE id IN (SELECT program_id FROM gone) RETURNING id;
