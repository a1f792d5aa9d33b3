-- part: columns
a.id, m.id AS membership_id, a.name, a.email, m.role, m.permissions, m.status AS tie, a.is_active,
CASE WHEN m.status = 'pending' THEN 'invited' WHEN m.status = 'active' AND a.is_active THEN 'active' ELSE 'blocked' END AS status,
EXISTS (SELECT FROM staff_totp t WHERE t.account_id = a.id AND t.confirmed_at IS NOT NULL) AS has_totp,
a.last_login_at, m.created_at

-- part: source
memberships m JOIN accounts a ON a.id = m.account_id

-- part: all
FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.realm = 'admin' AND m.status <> 'removed' AND a.erased_at IS NULL

-- name: get
SELECT {columns} FROM {source}
WHERE m.account_id = :id AND m.realm = 'admin' AND m.status <> 'removed' AND a.erased_at IS NULL;

-- name: lock
SELECT {columns} FROM {source}
WHERE m.account_id = :id AND m.realm = 'admin' AND m.status <> 'removed' AND a.erased_at IS NULL FOR UPDATE OF m;

-- name: add_tie
-- None: they are staff already.
INSERT INTO memberships (account_id, realm, role, permissions, status)
VALUES (:account_id, 'admin', :role, :permissions, :status)
ON CONFLICT (account_id, realm, party_id) DO UPDATE
  SET role = excluded.role, permissions = excluded.permissions, status = excluded.status
  WHERE memberships.status = 'removed'
RETURNING id;

-- name: update
UPDATE memberships SET role = :role, permissions = :permissions WHERE account_id = :id AND realm = 'admin';

-- name: rename
UPDATE accounts SET name = :name, updated_at = app_now() WHERE id = :id;

-- name: set_status
UPDATE memberships SET status = :status WHERE account_id = :id AND realm = 'admin';
