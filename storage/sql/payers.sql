-- name: kind_of
SELECT kind FROM parties WHERE id = :id;
