-- part: columns
d.id, d.endpoint_id, w.url, d.type, d.booking_id, d.seq, d.state, d.attempts, d.last_status, d.error, d.event_at, d.created_at,
CASE WHEN d.state = 'pending' AND (w.is_active OR d.type = 'ping') THEN greatest(d.next_try_at, w.paused_until) END AS next_try_at, d.finished_at

-- part: source
webhook_deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id

-- part: of_owner
FROM webhook_deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id
WHERE d.owner_key = coalesce(:owner_id::uuid, '00000000-0000-0000-0000-000000000000') AND w.owner_kind = :owner_kind
  AND w.deleted_at IS NULL

-- name: find
SELECT {columns} {of_owner} AND d.id = :id;

-- name: attempts
SELECT attempt, at, status, error, duration_ms, reply FROM webhook_attempts WHERE delivery_id = :delivery_id ORDER BY attempt;

-- name: put
-- One event for every endpoint of its owner that asked for it, and for those of the platform. An endpoint that we have switched
-- off gets it as failed, so that it can be replayed; one that its owner switched off gets nothing. `everyone`: all of the kind.
INSERT INTO webhook_deliveries (endpoint_id, owner_key, type, stream, data, key, state, error, finished_at)
SELECT w.id, w.owner_key, :type, :stream, CASE w.owner_kind WHEN 'platform' THEN :platform_data::jsonb ELSE :data::jsonb END, :key,
  CASE WHEN w.is_active THEN 'pending' ELSE 'failed' END, CASE WHEN NOT w.is_active THEN 'The endpoint was switched off.' END,
  CASE WHEN NOT w.is_active THEN app_now() END
FROM webhook_endpoints w
WHERE w.deleted_at IS NULL AND :type = ANY (w.events) AND (w.is_active OR w.disabled_reason <> 'owner')
  AND (w.owner_kind = 'platform'
       OR w.owner_kind = :owner_kind AND (:everyone::boolean OR w.owner_id = :owner_id::uuid))
ON CONFLICT DO NOTHING;

-- name: put_test
INSERT INTO webhook_deliveries (endpoint_id, owner_key, type, stream, data)
SELECT w.id, w.owner_key, 'ping', 'ping:' || gen_random_uuid(), :data FROM webhook_endpoints w
WHERE w.id = :endpoint_id AND w.deleted_at IS NULL RETURNING id;

-- name: claim
-- The next of each endpoint, as many as it has room for (`rooms`, by default one), the endpoints in turn. In order within a stream:
-- only its eldest waiting one may go. A sender that dies gives it back when the lease ends. Of an owner who is no longer there
-- nothing leaves, and to one that asked for a pause nothing but a test. Failing endpoints share few places, each taken for long: they
-- are drawn for, so that one that has recovered is not behind the old deliveries of many dead ones.
-- What another node takes at the same time is left to it: two that waited for each other's rows would wait for ever.
WITH due AS (
  SELECT head.id, row_number() OVER (PARTITION BY lane.id ORDER BY head.no) AS turn, head.no
  FROM (SELECT e.id, e.is_active AND coalesce(e.paused_until <= app_now(), true) AS takes_events, coalesce(r.room, 1) AS room FROM webhook_endpoints e
        LEFT JOIN unnest(:endpoint_ids::uuid[], :rooms::int[]) AS r (id, room) ON r.id = e.id
        WHERE e.deleted_at IS NULL AND (e.failing_since IS NOT NULL) = :is_failing
          AND NOT EXISTS (SELECT FROM parties p WHERE p.id = e.owner_id AND p.deleted_at IS NOT NULL)) AS lane
  CROSS JOIN LATERAL (
    (SELECT n.id, n.no FROM webhook_deliveries n
     WHERE lane.takes_events AND n.endpoint_id = lane.id AND n.state = 'pending' AND n.next_try_at <= app_now()
       AND (n.leased_until IS NULL OR n.leased_until <= clock_timestamp())
       AND NOT EXISTS (SELECT FROM webhook_deliveries o
                       WHERE o.endpoint_id = n.endpoint_id AND o.stream = n.stream AND o.state = 'pending' AND o.no < n.no)
     ORDER BY n.next_try_at, n.no LIMIT lane.room)
    UNION ALL
    -- Of what waits for one that takes no events nothing is looked at but tests, each of a stream of its own.
    (SELECT n.id, n.no FROM webhook_deliveries n
     WHERE NOT lane.takes_events AND n.endpoint_id = lane.id AND n.state = 'pending' AND n.type = 'ping'
       AND n.next_try_at <= app_now() AND (n.leased_until IS NULL OR n.leased_until <= clock_timestamp())
     ORDER BY n.no LIMIT lane.room)) AS head
  ORDER BY turn, CASE WHEN :is_failing THEN random() END, head.no LIMIT :limit
), taken AS (
  SELECT n.id FROM webhook_deliveries n JOIN due ON due.id = n.id
  WHERE n.state = 'pending' AND (n.leased_until IS NULL OR n.leased_until <= clock_timestamp())
  FOR UPDATE OF n SKIP LOCKED
)
UPDATE webhook_deliveries d SET tries = d.tries + 1, attempts = d.attempts + 1,
  leased_until = clock_timestamp() + make_interval(secs => :lease_s::float8)
FROM webhook_endpoints w, taken
WHERE d.id = taken.id AND w.id = d.endpoint_id
RETURNING d.id, d.endpoint_id, w.owner_kind, w.url, w.secret_enc,
  CASE WHEN w.previous_until > app_now() THEN w.previous_enc END AS previous_enc,
  d.type, d.booking_id, d.seq, d.data, d.event_at, d.tries, d.attempts,
  (SELECT b.number FROM bookings b WHERE b.id = d.booking_id) AS booking_number,
  (SELECT v.data FROM booking_events v WHERE v.booking_id = d.booking_id AND v.seq = d.seq) AS fact,
  (SELECT v.actor_kind FROM booking_events v WHERE v.booking_id = d.booking_id AND v.seq = d.seq) AS actor_kind,
  (SELECT v.request_id FROM booking_events v WHERE v.booking_id = d.booking_id AND v.seq = d.seq) AS request_id;

-- name: tried
INSERT INTO webhook_attempts (delivery_id, attempt, status, error, duration_ms, reply)
SELECT d.id, :attempt, :status, :error, :duration_ms, :reply FROM webhook_deliveries d WHERE d.id = :delivery_id
ON CONFLICT DO NOTHING;

-- name: finish
-- The attempt's number fences off whoever was thought dead. What arrived after all is delivered, also where its endpoint was
-- switched off meanwhile.
UPDATE webhook_deliveries SET state = :state, finished_at = app_now(), last_status = :status, error = :error, leased_until = NULL
WHERE id = :id AND attempts = :attempt AND (state = 'pending' OR state = 'failed' AND :state = 'delivered');

-- name: later
-- What stands behind it in its stream waits with it, and so is not looked at until then.
WITH head AS (
  UPDATE webhook_deliveries SET next_try_at = app_now() + make_interval(secs => :delay_s::float8), last_status = :status, error = :error,
    leased_until = NULL
  WHERE id = :id AND attempts = :attempt AND state = 'pending' RETURNING endpoint_id, stream, no, next_try_at
)
UPDATE webhook_deliveries d SET next_try_at = head.next_try_at FROM head
WHERE d.endpoint_id = head.endpoint_id AND d.stream = head.stream AND d.state = 'pending' AND d.no > head.no
  AND d.next_try_at < head.next_try_at;

-- name: hurry
-- What waits for its next try goes now, as its endpoint is well again. Of a young one this try is one more than it has: an event
-- that alone is refused, while others arrive, does not run out of its tries the sooner for them.
UPDATE webhook_deliveries SET next_try_at = app_now(),
  tries = CASE WHEN created_at > app_now() - make_interval(secs => :young_s::float8) THEN greatest(tries - 1, 0) ELSE tries END
WHERE endpoint_id = :endpoint_id AND state = 'pending' AND next_try_at > app_now();

-- name: give_up
-- What waits for an endpoint that was switched off.
UPDATE webhook_deliveries SET state = 'failed', finished_at = app_now(), error = :error, leased_until = NULL
WHERE endpoint_id = :endpoint_id AND state = 'pending';

-- part: takes_replays
-- An endpoint that is off is sent nothing, and neither is an app that is not active.
w.is_active AND NOT EXISTS (SELECT FROM integrations i WHERE i.id = w.owner_id AND i.status <> 'active')

-- name: replay
-- Under the same id, and at its place in its stream.
UPDATE webhook_deliveries d SET state = 'pending', tries = 0, next_try_at = app_now(), leased_until = NULL, finished_at = NULL
FROM webhook_endpoints w
WHERE w.id = d.endpoint_id AND d.id = :id AND d.state <> 'pending' AND d.type <> 'ping' AND {takes_replays} RETURNING d.id;

-- name: replay_range
-- The eldest of a span first; of one endpoint or of all of an owner.
UPDATE webhook_deliveries SET state = 'pending', tries = 0, next_try_at = app_now(), leased_until = NULL, finished_at = NULL
WHERE id IN (
  SELECT d.id {of_owner} AND {takes_replays} AND d.type <> 'ping' AND d.state = ANY (:states::text[])
    AND d.created_at >= :since AND d.created_at < :until AND (:endpoint_id::uuid IS NULL OR d.endpoint_id = :endpoint_id)
  ORDER BY d.no LIMIT :limit) AND state <> 'pending';

-- name: purge
-- A part of what was settled more than so many days ago, and of what waits in vain: its endpoint is off, or it or its owner gone.
DELETE FROM webhook_deliveries WHERE id IN (
  (SELECT id FROM webhook_deliveries WHERE finished_at < app_now() - make_interval(days => :days) LIMIT :most)
  UNION ALL
  (SELECT d.id FROM webhook_deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id
   WHERE d.state = 'pending' AND d.created_at < app_now() - make_interval(days => :days)
     AND (NOT w.is_active OR w.deleted_at IS NOT NULL
          OR EXISTS (SELECT FROM parties p WHERE p.id = w.owner_id AND p.deleted_at IS NOT NULL)) LIMIT :most));
