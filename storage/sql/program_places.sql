-- name: insert
INSERT INTO program_places (program_id, name, place) VALUES (:program_id, :name, :place) RETURNING id;

-- name: of_program
SELECT id, name, place FROM program_places WHERE program_id = :program_id ORDER BY name, id;

-- name: delete
DELETE FROM program_places WHERE id = :id AND program_id = :program_id RETURNING id;
