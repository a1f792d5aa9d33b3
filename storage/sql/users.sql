-- part: columns
a.id, a.name, a.phone, a.email, a.avatar_url, a.is_verified, a.is_active, a.blocked_reason, a.last_login_at, a.created_at,
(SELECT count(*) FROM bookings b WHERE b.account_id = a.id) AS bookings,
coalesce(m.spent_minor, 0)::bigint AS spent_minor, coalesce(m.paid, 0)::bigint AS paid

-- part: source
-- What was spent in one currency, and on how many bookings.
accounts a CROSS JOIN LATERAL (
  SELECT sum(p.captured_minor - p.refunded_minor) AS spent_minor, count(DISTINCT p.booking_id) AS paid FROM payments p
  WHERE p.account_id = a.id AND p.captured_minor > 0 AND p.currency = :currency AND p.booking_id IS NOT NULL) m

-- part: all
FROM accounts a WHERE a.phone IS NOT NULL AND a.erased_at IS NULL

-- name: get
SELECT {columns} FROM {source} WHERE a.id = :id AND a.phone IS NOT NULL AND a.erased_at IS NULL;

-- name: is_staff
SELECT EXISTS (SELECT FROM memberships WHERE account_id = :id AND realm = 'admin' AND status <> 'removed');
