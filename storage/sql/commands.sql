-- name: claim
-- Inside the command's own transaction: a repetition waits for the first one's end and then finds its answer.
INSERT INTO commands (principal, command_id, name, body_hash, answer) VALUES (:principal, :command_id, :name, :body_hash, 'null')
ON CONFLICT DO NOTHING;

-- name: get
SELECT name, body_hash, answer FROM commands WHERE principal = :principal AND command_id = :command_id;

-- name: forget
-- The command was refused and its transaction is kept: its repetition runs again.
DELETE FROM commands WHERE principal = :principal AND command_id = :command_id;

-- name: answer
UPDATE commands SET answer = :answer WHERE principal = :principal AND command_id = :command_id;

-- name: purge
DELETE FROM commands WHERE created_at < clock_timestamp() - make_interval(hours => :hours);
