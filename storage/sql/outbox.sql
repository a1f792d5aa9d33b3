-- name: put
INSERT INTO outbox (channel, stream, recipient, template, body, data, is_secret, account_id, request_id)
VALUES (:channel, :stream, :recipient, :template, :body, :data, :is_secret, :account_id, :request_id) RETURNING id;

-- name: supersede
-- A newer message makes the waiting ones of its stream pointless.
UPDATE outbox SET state = 'dead', error = 'superseded', body = CASE WHEN is_secret THEN '' ELSE body END,
       data = CASE WHEN is_secret THEN '{}' ELSE data END
WHERE stream = :stream AND state = 'pending';

-- name: claim
-- In order within a stream: only its eldest waiting row may go, and while it is out (its lease is `next_try_at`)
-- nobody else takes it or what stands behind it. A sender that dies gives the row back when the lease ends.
UPDATE outbox SET attempts = attempts + 1, next_try_at = clock_timestamp() + make_interval(secs => :lease_s::float8)
WHERE id IN (
  SELECT o.id FROM outbox o
  WHERE o.state = 'pending' AND o.next_try_at <= clock_timestamp() AND o.channel = :channel
    AND NOT EXISTS (SELECT FROM outbox e WHERE e.stream = o.stream AND e.state = 'pending' AND e.id < o.id)
  ORDER BY o.next_try_at, o.id LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING id, channel, stream, recipient, template, body, data, is_secret, attempts, created_at, request_id;

-- name: sent
-- Those that others have sent or given up by now are not among the answers.
UPDATE outbox o SET state = 'sent', sent_at = clock_timestamp(), error = NULL,
       body = CASE WHEN is_secret AND :erases_secret THEN '' ELSE body END,
       data = CASE WHEN is_secret AND :erases_secret THEN '{}' ELSE data END
WHERE id = ANY(:ids::bigint[]) AND state = 'pending'
RETURNING id, EXISTS (SELECT FROM outbox e WHERE e.stream = o.stream AND e.state = 'pending' AND e.id > o.id) AS goes_on;

-- name: retry
UPDATE outbox SET next_try_at = clock_timestamp() + make_interval(secs => :delay_s::float8), error = :error
WHERE id = :id AND state = 'pending';

-- name: dead
UPDATE outbox SET state = 'dead', error = :error,
       body = CASE WHEN is_secret THEN '' ELSE body END, data = CASE WHEN is_secret THEN '{}' ELSE data END
WHERE id = :id AND state = 'pending';

-- name: page
SELECT id, channel, stream, recipient, template, body, data, is_secret, state, attempts, error, created_at, sent_at
FROM outbox WHERE (:recipient::text IS NULL OR recipient = :recipient) AND (:channel::text IS NULL OR channel = :channel)
ORDER BY id DESC LIMIT :limit;

-- name: purge
DELETE FROM outbox WHERE id IN
  (SELECT id FROM outbox WHERE state <> 'pending' AND created_at < clock_timestamp() - make_interval(days => :days) LIMIT :most);
