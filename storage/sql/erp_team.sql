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
-- Who keeps the team: locked, so that two of them cannot each be the last but one at once.
SELECT id FROM memberships WHERE realm = 'erp' AND role = 'admin' AND status = 'active' ORDER BY id FOR UPDATE;

-- name: save
UPDATE memberships SET role = :role, status = :status WHERE id = :id AND realm = 'erp';
