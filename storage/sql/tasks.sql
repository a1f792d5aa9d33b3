-- name: insert
-- No row: this key was asked for before.
INSERT INTO tasks (kind, key, payload, owner, request_id) VALUES (:kind, :key, :payload, :owner, :request_id)
ON CONFLICT (key) DO NOTHING RETURNING id;

-- name: find_by_key
SELECT id FROM tasks WHERE key = :key;

-- name: get
SELECT id, kind, key, payload, owner, state, attempts, done, total, note, result, error, created_at, updated_at, finished_at, request_id
FROM tasks WHERE id = :task_id;

-- name: claim
-- No row: it is over. One that is running belongs to a node that is thought dead; its number of the attempt is
-- outdated from now on, so that nothing which it still writes has an effect.
UPDATE tasks SET state = 'running', attempts = attempts + 1, updated_at = clock_timestamp()
WHERE id = :task_id AND state IN ('queued', 'running')
RETURNING id, kind, key, payload, owner, state, attempts, done, total, note, result, error, created_at, updated_at, finished_at, request_id;

-- name: progress
UPDATE tasks SET done = :done, total = coalesce(:total, total), note = coalesce(:note, note), updated_at = clock_timestamp()
WHERE id = :task_id AND attempts = :attempt AND state = 'running';

-- name: finish
UPDATE tasks SET state = 'done', result = :result, error = NULL, updated_at = clock_timestamp(), finished_at = clock_timestamp()
WHERE id = :task_id AND attempts = :attempt AND state = 'running';

-- name: later
UPDATE tasks SET state = 'queued', error = :error, updated_at = clock_timestamp()
WHERE id = :task_id AND attempts = :attempt AND state = 'running';

-- name: hold
UPDATE tasks SET state = 'held', error = :error, updated_at = clock_timestamp(), finished_at = clock_timestamp()
WHERE id = :task_id AND attempts = :attempt AND state = 'running';

-- name: release
-- A person has looked: it gets its tries anew.
UPDATE tasks SET state = 'queued', attempts = 0, finished_at = NULL, updated_at = clock_timestamp()
WHERE id = :task_id AND state = 'held';

-- name: newest_held
-- Of what the clock asks for of a kind: the others are made up for by it.
SELECT id FROM tasks WHERE kind = :kind AND key IS NOT NULL AND owner IS NULL AND state = 'held' ORDER BY finished_at DESC LIMIT 1;

-- name: made_up_for
-- What the clock had asked for earlier, and a later turn has done: nobody need look at it any more.
UPDATE tasks SET state = 'done', note = 'a later turn has done it', updated_at = clock_timestamp()
WHERE kind = :kind AND key IS NOT NULL AND owner IS NULL AND state = 'held';

-- name: held
SELECT id, kind, key, payload, owner, state, attempts, done, total, note, result, error, created_at, updated_at, finished_at, request_id
FROM tasks WHERE state = 'held' ORDER BY finished_at DESC LIMIT :limit;

-- name: purge
-- A part of what was done so many days ago; what is held waits for its person.
DELETE FROM tasks WHERE id IN
  (SELECT id FROM tasks WHERE state = 'done' AND finished_at < clock_timestamp() - make_interval(days => :days) LIMIT :most);

-- name: call
-- What pgqueuer 1.6 does to put a job into its queue, on a connection of ours: its own call would encode JSON twice.
WITH job AS (
  INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, status)
  VALUES (0, :entrypoint, :payload, now() + make_interval(secs => :delay_s::float8), 'queued') RETURNING id, entrypoint, priority
)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority) SELECT id, 'queued', entrypoint, priority FROM job;

-- name: take_up
-- What is not over and has no job any more that would bring it: its node was stopped while it worked, or the database
-- failed it just then. Two nodes that look at the same time see each other's change of the row.
WITH lost AS (
  SELECT t.id FROM tasks t
  WHERE t.state IN ('queued', 'running') AND t.updated_at < clock_timestamp() - make_interval(secs => :quiet_s::float8)
    AND NOT EXISTS (
      SELECT FROM pgqueuer q WHERE q.entrypoint = :entrypoint AND q.payload = uuid_send(t.id) AND q.status IN ('queued', 'picked'))
  FOR UPDATE SKIP LOCKED
), seen AS (
  UPDATE tasks t SET updated_at = clock_timestamp() FROM lost WHERE t.id = lost.id RETURNING t.id
), job AS (
  INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, status)
  SELECT 0, :entrypoint, uuid_send(seen.id), now(), 'queued' FROM seen
  RETURNING id, entrypoint, priority
)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority) SELECT id, 'queued', entrypoint, priority FROM job;
