-- name: claim
-- Who inserts the row does the work. A claim whose holder has not come back in time may be taken over, with the same
-- request only. The answer is the claim's end: it tells this holder from a later one. A transaction by itself, and nobody waits for the
-- disk: what its holder commits comes after it in the log, so a claim that a crash has lost has nothing to protect.
INSERT INTO idempotency_keys AS k (principal, route, key, body_hash, locked_until)
SELECT :principal, :route, :key, :body_hash, clock_timestamp() + make_interval(secs => :lease_s::float8)
WHERE set_config('synchronous_commit', 'off', true) = 'off'
ON CONFLICT (principal, route, key) DO UPDATE SET locked_until = EXCLUDED.locked_until
WHERE k.state = 'claimed' AND k.locked_until < clock_timestamp() AND k.body_hash = EXCLUDED.body_hash
RETURNING locked_until;

-- name: get
SELECT body_hash, state, status, response, headers,
       greatest(extract(epoch FROM locked_until - clock_timestamp()), 0)::float8 AS seconds_left
FROM idempotency_keys WHERE principal = :principal AND route = :route AND key = :key;

-- name: finish
UPDATE idempotency_keys SET state = 'done', status = :status, response = :response, headers = :headers
WHERE principal = :principal AND route = :route AND key = :key AND state = 'claimed' AND locked_until = :lease;

-- name: release
DELETE FROM idempotency_keys
WHERE principal = :principal AND route = :route AND key = :key AND state = 'claimed' AND locked_until = :lease;

-- name: purge
-- Money keeps its answers for 72 hours, and so does everything else.
DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - interval '72 hours';
