-- name: insert
INSERT INTO api_clients (party_id, name, public_key, key_hash, secret_hash, scopes, made_by, ip_allow, expires_at,
  description, rate_limit)
VALUES (:party_id, :name, :public_key, :key_hash, :secret_hash, :scopes, :made_by, :ip_allow::text[]::cidr[], :expires_at,
  :description, :rate_limit)
RETURNING id;

-- part: columns
k.id, k.party_id, p.kind AS party_kind, k.secret_hash,
  CASE WHEN k.previous_until > clock_timestamp() THEN k.previous_hash END AS previous_hash,
  k.scopes, k.made_by, m.role AS maker_role, m.permissions AS maker_permissions, k.ip_allow::text[] AS ip_allow,
  k.rate_limit

-- part: stands
-- Not over, and whoever made it still a member.
(k.expires_at IS NULL OR k.expires_at > clock_timestamp())
  AND (k.made_by IS NULL OR (m.status = 'active' AND a.is_active AND a.erased_at IS NULL))

-- part: with_maker
api_clients k LEFT JOIN memberships m ON m.id = k.made_by LEFT JOIN accounts a ON a.id = m.account_id

-- part: usable
-- Keys that may be used now: not revoked, not over, their party there, and whoever made them still a member.
{with_maker} JOIN parties p ON p.id = k.party_id WHERE k.revoked_at IS NULL AND p.deleted_at IS NULL AND {stands}

-- name: find
-- By its public name, or by the hash of the one that is a secret.
SELECT {columns} FROM {usable} AND (k.public_key = :public_key OR k.key_hash = :key_hash);

-- name: find_by_id
SELECT {columns} FROM {usable} AND k.id = :id;

-- name: of_party
-- With why one that is not revoked opens nothing all the same: it is over, or whoever made it is no active member any more.
SELECT k.id, k.name, k.public_key, k.scopes, k.ip_allow::text[] AS ip_allow, k.expires_at, k.last_used_at, k.created_at,
  k.description, k.rate_limit, CASE WHEN k.expires_at <= clock_timestamp() THEN 'expired' WHEN {stands} THEN 'active' ELSE 'maker_gone' END AS status
FROM {with_maker} WHERE k.party_id = :party_id AND k.revoked_at IS NULL ORDER BY k.created_at DESC, k.id;

-- name: rotate
-- The old secret stays good for a while, so that whoever uses it can change over.
UPDATE api_clients SET previous_hash = secret_hash, secret_hash = :secret_hash,
                       previous_until = clock_timestamp() + make_interval(secs => :overlap_s::float8)
WHERE id = :id AND party_id = :party_id AND revoked_at IS NULL RETURNING id;

-- name: revoke
UPDATE api_clients SET revoked_at = clock_timestamp() WHERE id = :id AND party_id = :party_id AND revoked_at IS NULL
RETURNING id;

-- name: revoke_of_party
UPDATE api_clients SET revoked_at = clock_timestamp() WHERE party_id = :party_id AND revoked_at IS NULL;

-- name: used
-- At most once a minute for a key: what is shown is when it was used last, not each use.
UPDATE api_clients SET last_used_at = clock_timestamp()
WHERE id = :id AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute');

-- name: set_scopes
UPDATE api_clients SET scopes = :scopes WHERE id = :id AND revoked_at IS NULL RETURNING id;

-- name: set_ip_allow
UPDATE api_clients SET ip_allow = :ip_allow::text[]::cidr[] WHERE id = :id AND revoked_at IS NULL RETURNING id;

-- name: issue
-- The first secret of a key that was made before its party might use it, and the key's second name.
UPDATE api_clients SET secret_hash = :secret_hash, key_hash = :key_hash WHERE id = :id AND revoked_at IS NULL RETURNING id;
