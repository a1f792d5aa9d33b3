-- part: columns
r.id, r.account_id, a.name, a.email, m.role, r.starts_at, r.ends_at, r.channels,
-- Who is blocked, or no staff any more, is on no duty: nobody tells them of anything.
r.starts_at <= app_now() AND r.ends_at > app_now() AND a.is_active AND coalesce(m.status = 'active', false) AS is_now, r.created_at

-- part: source
rota r JOIN accounts a ON a.id = r.account_id LEFT JOIN memberships m ON m.account_id = a.id AND m.realm = 'admin'

-- part: all
FROM rota r WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE r.id = :id;

-- name: lock
SELECT {columns} FROM {source} WHERE r.id = :id FOR UPDATE OF r;

-- name: insert
-- Only staff who may sign in are on duty.
INSERT INTO rota (account_id, starts_at, ends_at, channels)
SELECT :account_id, :starts_at::timestamptz, :ends_at::timestamptz, :channels::text[]
WHERE EXISTS (SELECT FROM memberships m WHERE m.account_id = :account_id AND m.realm = 'admin' AND m.status = 'active')
RETURNING id;

-- name: update
UPDATE rota SET starts_at = :starts_at, ends_at = :ends_at, channels = :channels WHERE id = :id;

-- name: remove
DELETE FROM rota WHERE id = :id;
