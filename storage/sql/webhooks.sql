-- part: columns
w.id, w.owner_kind, w.owner_id, w.url, w.events, w.description, w.is_active, w.disabled_reason, w.disabled_at, w.failing_since,
w.last_success_at, CASE WHEN w.previous_until > app_now() THEN w.previous_until END AS previous_until, w.created_at, w.updated_at

-- part: source
webhook_endpoints w

-- part: of_owner
FROM webhook_endpoints w
WHERE w.owner_key = coalesce(:owner_id::uuid, '00000000-0000-0000-0000-000000000000') AND w.owner_kind = :owner_kind
  AND w.deleted_at IS NULL

-- name: insert
INSERT INTO webhook_endpoints AS w (id, owner_kind, owner_id, url, events, description, secret_enc, is_active, disabled_reason, disabled_at)
VALUES (:id, :owner_kind, :owner_id, :url, :events, :description, :secret_enc, :is_active,
  CASE WHEN NOT :is_active THEN 'owner' END, CASE WHEN NOT :is_active THEN app_now() END)
RETURNING {columns};

-- name: count_of_owner
SELECT count(*) FROM (SELECT 1 {of_owner}) AS counted;

-- name: lock_owner
-- Those who add an endpoint to the same owner come one after the other, so that the most holds.
SELECT pg_advisory_xact_lock(hashtextextended('webhooks:' || :owner_kind::text || coalesce(:owner_id::uuid::text, ''), 0));

-- name: find
SELECT {columns} {of_owner} AND w.id = :id;

-- name: change
-- What is null stays. Switching it on forgets what failed, and so does another address; who switches it off said so.
UPDATE webhook_endpoints w SET
  url = coalesce(:url, w.url), events = coalesce(:events::text[], w.events),
  description = CASE WHEN :has_description THEN :description ELSE w.description END,
  is_active = coalesce(:is_active, w.is_active),
  disabled_reason = CASE WHEN NOT coalesce(:is_active, w.is_active) THEN coalesce(w.disabled_reason, 'owner') END,
  disabled_at = CASE WHEN NOT coalesce(:is_active, w.is_active) THEN coalesce(w.disabled_at, app_now()) END,
  failing_since = CASE WHEN :is_active AND NOT w.is_active OR w.url <> :url THEN NULL ELSE w.failing_since END,
  paused_until = CASE WHEN :is_active AND NOT w.is_active OR w.url <> :url THEN NULL ELSE w.paused_until END,
  updated_at = app_now()
WHERE w.id = :id AND w.deleted_at IS NULL AND w.owner_kind = :owner_kind AND w.owner_id IS NOT DISTINCT FROM :owner_id::uuid
RETURNING {columns};

-- name: delete
UPDATE webhook_endpoints w SET deleted_at = app_now(), secret_enc = '', previous_enc = NULL, previous_until = NULL
WHERE w.id = :id AND w.deleted_at IS NULL AND w.owner_kind = :owner_kind AND w.owner_id IS NOT DISTINCT FROM :owner_id::uuid
RETURNING w.id;

-- name: delete_of_owner
UPDATE webhook_endpoints w SET deleted_at = app_now(), secret_enc = '', previous_enc = NULL, previous_until = NULL
WHERE w.deleted_at IS NULL AND w.owner_kind = :owner_kind AND w.owner_id IS NOT DISTINCT FROM :owner_id::uuid
RETURNING {columns};

-- name: rotate
-- The secret before signs too for a while; one that came before that is over at once.
UPDATE webhook_endpoints w SET previous_enc = w.secret_enc, secret_enc = :secret_enc,
  previous_until = app_now() + make_interval(secs => :overlap_s::float8), updated_at = app_now()
WHERE w.id = :id AND w.deleted_at IS NULL AND w.owner_kind = :owner_kind AND w.owner_id IS NOT DISTINCT FROM :owner_id::uuid
RETURNING {columns};

-- name: succeeded
-- Written once a minute at most while all goes well: a busy endpoint's row is not locked by each delivery. Gives since when it had
-- failed, to whoever finds it well again.
UPDATE webhook_endpoints w SET failing_since = NULL, last_success_at = app_now()
FROM (SELECT id, failing_since FROM webhook_endpoints
      WHERE id = :id AND (failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at < app_now() - interval '1 minute')
      FOR NO KEY UPDATE) AS before
WHERE w.id = before.id RETURNING before.failing_since;

-- name: failed
-- Since when it fails; a day and more without a try says nothing, so then it is counted anew. `pause_s`: for so long it wants nothing.
UPDATE webhook_endpoints SET last_failed_at = app_now(),
  paused_until = coalesce(app_now() + make_interval(secs => :pause_s::float8), paused_until),
  failing_since = CASE WHEN last_failed_at < app_now() - interval '1 day' THEN app_now() ELSE coalesce(failing_since, app_now()) END
WHERE id = :id RETURNING failing_since;

-- name: disable
-- Told once, whoever finds it out first.
UPDATE webhook_endpoints w SET is_active = false, disabled_reason = :reason, disabled_at = app_now(), updated_at = app_now()
WHERE w.id = :id AND w.is_active AND w.deleted_at IS NULL RETURNING {columns};

-- name: tell_failed
-- Whether its owner is to be told of a delivery that failed for good: once in so long, whoever finds one first.
UPDATE webhook_endpoints w SET told_failed_at = app_now()
WHERE w.id = :id AND w.is_active AND w.deleted_at IS NULL
  AND (w.told_failed_at IS NULL OR w.told_failed_at <= app_now() - make_interval(secs => :every_s::float8)) RETURNING {columns};

-- name: readers
-- Who is written to about an endpoint of a party: the party itself and those who manage it.
SELECT address FROM (
  SELECT p.email AS address FROM parties p WHERE p.id = :owner_id AND p.email IS NOT NULL
  UNION
  SELECT a.email FROM memberships m JOIN accounts a ON a.id = m.account_id
  WHERE m.party_id = :owner_id AND m.status = 'active' AND a.is_active AND a.erased_at IS NULL AND a.email IS NOT NULL
) AS found ORDER BY address LIMIT :most;

-- name: purge_deleted
-- A part of the endpoints that were deleted long ago, with what was sent to them.
DELETE FROM webhook_endpoints WHERE id IN
  (SELECT id FROM webhook_endpoints WHERE deleted_at < app_now() - make_interval(days => :days) LIMIT :most);
