-- name: open
INSERT INTO sessions (id, realm, subject_id, refresh_hash, expires_at, ip, user_agent)
VALUES (:id, :realm, :subject_id, :refresh_hash, clock_timestamp() + make_interval(secs => :ttl_s::float8), :ip, :user_agent);

-- name: lock
-- Whoever rotates holds the row: two refreshes of one family never see the same state.
SELECT id, realm, subject_id, refresh_hash, previous_hash,
       coalesce(rotated_at > clock_timestamp() - make_interval(secs => :grace_s::float8), false) AS is_in_grace,
       revoked_at IS NULL AND expires_at > clock_timestamp() AS is_open, revoked_reason,
       greatest(extract(epoch FROM expires_at - clock_timestamp()), 0)::float8 AS seconds_left
FROM sessions WHERE id = :id FOR UPDATE;

-- name: rotate
UPDATE sessions SET previous_hash = refresh_hash, refresh_hash = :refresh_hash, rotated_at = clock_timestamp()
WHERE id = :id AND revoked_at IS NULL;

-- name: revoke
UPDATE sessions SET revoked_at = clock_timestamp(), revoked_reason = :reason
WHERE id = :id AND revoked_at IS NULL RETURNING realm;

-- name: revoke_all
-- Without a realm: every portal that the subject has signed in to.
WITH ended AS (
  UPDATE sessions SET revoked_at = clock_timestamp(), revoked_reason = :reason
  WHERE (:realm::text IS NULL OR realm = :realm) AND subject_id = :subject_id AND revoked_at IS NULL
    AND id IS DISTINCT FROM :except_id::uuid
  RETURNING realm
)
SELECT count(*) AS count, coalesce(array_agg(DISTINCT realm), '{}') AS realms FROM ended;

-- name: living
-- Which of these still give access, and as what.
SELECT s.id, s.realm, s.subject_id, tie.role, tie.permissions, tie.id AS membership_id, tie.account_id, tie.party_id
FROM standing_sessions s
  LEFT JOIN LATERAL (
    SELECT m.id, m.account_id, m.role, m.permissions, m.party_id FROM memberships m
    WHERE (m.id = s.subject_id OR s.realm = 'admin' AND m.account_id = s.subject_id)
      AND m.realm = s.realm AND m.status = 'active'
    ORDER BY m.created_at LIMIT 1
  ) tie ON true
WHERE s.id = ANY(:ids::uuid[]);

-- name: dead_among
-- Which of these do not. They come and go as text, because nothing else is done with them.
SELECT found.id::text AS id FROM (
  SELECT unnest(:ids::text[]::uuid[]) AS id
  EXCEPT SELECT s.id FROM standing_sessions s WHERE s.id = ANY(:ids::text[]::uuid[])
) found;

-- name: of_subject
SELECT id, created_at, expires_at, ip, user_agent FROM sessions
WHERE realm = :realm AND subject_id = :subject_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
ORDER BY created_at DESC;

-- name: forget_places
-- Of an account, as itself and as a member of whatever it belonged to.
UPDATE sessions SET ip = NULL, user_agent = NULL
WHERE subject_id = :account_id OR subject_id IN (SELECT id FROM memberships WHERE account_id = :account_id);

-- name: purge
DELETE FROM sessions WHERE expires_at < clock_timestamp() - interval '30 days';
