-- name: first_ones
-- People of every kind, the first of each: `name` is what signs them in, `label` what they are called.
(SELECT 'admin' AS kind, a.email AS name, coalesce(a.name, a.email) AS label FROM accounts a
 JOIN memberships m ON m.account_id = a.id AND m.realm = 'admin' AND m.status = 'active'
 WHERE a.email IS NOT NULL ORDER BY m.created_at, a.id LIMIT :each)
UNION ALL
(SELECT 'technician', p.code, p.name FROM technicians t JOIN parties p ON p.id = t.id
 WHERE t.is_active AND t.onboarding_status = 'verified' AND p.deleted_at IS NULL ORDER BY t.no LIMIT :each)
UNION ALL
(SELECT 'customer', a.phone, coalesce(a.name, a.phone) FROM accounts a
 WHERE a.phone IS NOT NULL AND a.is_verified ORDER BY a.created_at, a.phone LIMIT :each);
