-- part: columns
m.id, m.account_id, a.email, a.name, m.role, m.status, a.password_hash IS NOT NULL AS has_password, m.created_at

-- part: source
memberships m JOIN accounts a ON a.id = m.account_id

-- name: every
SELECT {columns} FROM {source} WHERE m.realm = 'erp' AND m.status <> 'removed' AND a.erased_at IS NULL
ORDER BY a.name, m.id LIMIT :most;

-- name: get
SELECT {columns} FROM {source} WHERE m.id = :id AND m.realm = 'erp' AND m.status <> 'removed' AND a.erased_at IS NULL;

-- name: lock_admins
-- Who keeps the team: locked, so that two of them cannot each be the last but one at once. Whoever has no password yet cannot come in.
SELECT m.id, a.password_hash IS NOT NULL AND a.is_active AS can_come_in FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.realm = 'erp' AND m.role = 'admin' AND m.status = 'active' ORDER BY m.id FOR UPDATE OF m;

-- name: save
UPDATE memberships SET role = :role, status = :status WHERE id = :id AND realm = 'erp';
