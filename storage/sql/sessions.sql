-- name: open
INSERT INTO sessions (id, realm, subject_id, refresh_hash, expires_at, ip, user_agent)
VALUES (:id, :realm, :subject_id, :refresh_hash, clock_timestamp() + make_interval(secs => :ttl_s::float8), :ip, :user_agent);

-- name: lock
-- Whoever rotates holds the row: two refreshes of one family never see the same state.
SELECT id, realm, subject_id, refresh_hash, previous_hash,
       coalesce(rotated_at > clock_timestamp() - make_interval(secs => :grace_s::float8), false) AS is_in_grace,
       revoked_at IS NULL AND expires_at > clock_timestamp() AS is_open,
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
-- Which of these still give access: not revoked, not over, and their subject neither blocked nor gone.
SELECT s.id, s.realm, s.subject_id, tie.role, tie.permissions, tie.id AS membership_id, tie.account_id, tie.party_id
FROM sessions s
  LEFT JOIN LATERAL (
    SELECT m.id, m.account_id, m.role, m.permissions, m.party_id FROM memberships m
    WHERE (m.id = s.subject_id OR s.realm = 'admin' AND m.account_id = s.subject_id)
      AND m.realm = s.realm AND m.status = 'active'
    ORDER BY m.created_at LIMIT 1
  ) tie ON true
WHERE s.id = ANY(:ids::uuid[]) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
  AND CASE s.realm
    -- A service is nobody who could be blocked: its tokens are ended.
    WHEN 'service' THEN true
    WHEN 'customer' THEN EXISTS (
      SELECT FROM accounts a WHERE a.id = s.subject_id AND a.is_active AND a.erased_at IS NULL)
    WHEN 'technician' THEN EXISTS (
      SELECT FROM technicians t JOIN parties p ON p.id = t.id
      WHERE t.id = s.subject_id AND t.is_active AND t.onboarding_status = 'verified' AND p.deleted_at IS NULL)
    WHEN 'admin' THEN EXISTS (
      SELECT FROM accounts a JOIN memberships m ON m.account_id = a.id
      WHERE a.id = s.subject_id AND a.is_active AND a.erased_at IS NULL AND m.realm = s.realm AND m.status = 'active')
    -- Members of a party sign in as their membership; the ERP is the house's own and nobody's party.
    ELSE EXISTS (
      SELECT FROM memberships m JOIN accounts a ON a.id = m.account_id LEFT JOIN parties p ON p.id = m.party_id
      WHERE m.id = s.subject_id AND a.is_active AND a.erased_at IS NULL AND m.realm = s.realm AND m.status = 'active'
        AND p.deleted_at IS NULL AND (p.id IS NOT NULL OR m.realm = 'erp'))
  END;

-- name: of_subject
SELECT id, created_at, expires_at, ip, user_agent FROM sessions
WHERE realm = :realm AND subject_id = :subject_id AND revoked_at IS NULL AND expires_at > clock_timestamp()
ORDER BY created_at DESC;

-- name: forget_places
UPDATE sessions SET ip = NULL, user_agent = NULL WHERE realm = :realm AND subject_id = :subject_id;

-- name: purge
DELETE FROM sessions WHERE expires_at < clock_timestamp() - interval '30 days';
