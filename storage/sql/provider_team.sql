-- part: columns
m.id, m.account_id, a.name, a.email, m.role, m.permissions, m.status, m.invited_at, m.joined_at, m.created_at, m.updated_at,
  (SELECT max(coalesce(s.rotated_at, s.created_at)) FROM sessions s
   WHERE s.realm = 'provider' AND s.subject_id = m.id) AS last_active_at

-- part: source
memberships m JOIN accounts a ON a.id = m.account_id

-- part: of_provider
-- Pages sort by what a person is called and reached by, so their accounts stand beside the memberships.
FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.party_id = :provider_id AND m.realm = 'provider' AND m.status <> 'removed'

-- name: get
SELECT {columns} FROM {source}
WHERE m.id = :id AND m.party_id = :provider_id AND m.realm = 'provider' AND m.status <> 'removed';

-- name: lock
SELECT {columns} FROM {source}
WHERE m.id = :id AND m.party_id = :provider_id AND m.realm = 'provider' AND m.status <> 'removed' FOR UPDATE OF m;

-- name: lock_owner
SELECT {columns} FROM {source}
WHERE m.party_id = :provider_id AND m.realm = 'provider' AND m.role = 'Owner' AND m.status <> 'removed' FOR UPDATE OF m;

-- name: owner_email
-- Where its owner reads; none while nobody has followed the link.
SELECT a.email FROM {source}
WHERE m.party_id = :provider_id AND m.realm = 'provider' AND m.role = 'Owner' AND m.status = 'active';

-- name: lock_by_email
SELECT {columns} FROM {source}
WHERE m.party_id = :provider_id AND m.realm = 'provider' AND m.status <> 'removed' AND lower(a.email) = lower(:email) FOR UPDATE OF m;

-- name: add
-- Who was removed may be invited again; no row: they belong to it already.
INSERT INTO memberships (account_id, realm, party_id, role, status, invited_at)
VALUES (:account_id, 'provider', :provider_id, :role, 'pending', app_now())
ON CONFLICT (account_id, realm, party_id) DO UPDATE SET role = EXCLUDED.role, status = 'pending', permissions = '{}',
  invited_at = app_now(), joined_at = NULL, updated_at = app_now() WHERE memberships.status = 'removed'
RETURNING id;

-- name: join
UPDATE memberships SET status = 'active', joined_at = app_now(), updated_at = app_now() WHERE id = :id AND status = 'pending';

-- name: invited_again
UPDATE memberships SET invited_at = app_now(), updated_at = app_now() WHERE id = :id AND status = 'pending';

-- name: set_role
UPDATE memberships SET role = :role, permissions = '{}', updated_at = app_now() WHERE id = :id AND role <> 'Owner';

-- name: hand_over
-- The only way in which an owner's role changes.
UPDATE memberships SET role = :role, permissions = '{}', updated_at = app_now() WHERE id = :id;

-- name: remove
UPDATE memberships SET status = 'removed', updated_at = app_now() WHERE id = :id AND role <> 'Owner';

-- name: open_sessions
SELECT count(*) FROM sessions WHERE realm = 'provider' AND subject_id = :id AND revoked_at IS NULL AND expires_at > clock_timestamp();

-- name: summary
SELECT count(*) AS total, count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'pending') AS pending
FROM memberships WHERE party_id = :provider_id AND realm = 'provider' AND status <> 'removed';
