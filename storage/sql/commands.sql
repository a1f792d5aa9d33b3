-- name: keep
-- In the command's own transaction, when its effect is there: a repetition waits for the first one's end, finds its answer and
-- undoes its own. No row: it has been kept.
INSERT INTO commands (principal, command_id, name, body_hash, answer) VALUES (:principal, :command_id, :name, :body_hash, :answer)
ON CONFLICT DO NOTHING;

-- name: get
SELECT name, body_hash, answer FROM commands WHERE principal = :principal AND command_id = :command_id;

-- name: purge
DELETE FROM commands WHERE created_at < clock_timestamp() - make_interval(hours => :hours);
