-- part: derived
CASE WHEN s.status = 'cancelled' THEN 'cancelled' WHEN s.ends_at <= app_now() THEN 'expired'
  WHEN s.ends_at <= app_now() + interval '7 days' THEN 'expiring_soon' WHEN s.starts_at > app_now() - interval '7 days' THEN 'new'
  ELSE 'active' END

-- part: columns
s.id, s.provider_id, s.customer_id, coalesce(c.name, '') AS customer_name, c.email AS customer_email, c.phone AS customer_phone,
  s.plan_id, p.name AS plan_name, p.type AS plan_type, s.period_days, s.status, {derived} AS derived, s.amount_minor, s.currency,
  s.starts_at, s.ends_at, s.bought_from, s.bought_until, s.auto_renew, s.reminded_for IS NOT DISTINCT FROM s.ends_at AS is_reminded, s.notes, s.reference,
  s.cancelled_at, s.refund_minor, s.created_at, s.updated_at

-- part: source
provider_subscriptions s JOIN provider_customers c ON c.id = s.customer_id JOIN provider_plans p ON p.id = s.plan_id

-- part: of_provider
FROM {source} WHERE s.provider_id = :provider_id

-- name: insert
INSERT INTO provider_subscriptions (id, provider_id, customer_id, plan_id, period_days, amount_minor, currency, starts_at, ends_at,
  auto_renew, notes)
VALUES (:id, :provider_id, :customer_id, :plan_id, :period_days, :amount_minor, :currency, :starts_at, :ends_at, :auto_renew, :notes);

-- name: get
SELECT {columns} FROM {source} WHERE s.id = :id AND s.provider_id = :provider_id;

-- name: lock
SELECT {columns} FROM {source} WHERE s.id = :id AND s.provider_id = :provider_id FOR UPDATE OF s;

-- name: set_reference
UPDATE provider_subscriptions SET reference = :reference WHERE id = :id;

-- name: change
UPDATE provider_subscriptions SET plan_id = :plan_id, period_days = :period_days, amount_minor = :amount_minor, starts_at = :starts_at,
  ends_at = :ends_at, auto_renew = :auto_renew, notes = :notes, updated_at = app_now(),
  status = CASE WHEN status = 'expired' AND :ends_at > app_now() THEN 'active' ELSE status END
WHERE id = :id AND status <> 'cancelled';

-- name: cancel
UPDATE provider_subscriptions SET status = 'cancelled', cancelled_at = app_now(), refund_minor = :refund_minor, auto_renew = false,
  updated_at = app_now()
WHERE id = :id AND status <> 'cancelled';

-- name: extend
-- Paid for: it goes on, also when it had run out meanwhile.
UPDATE provider_subscriptions SET ends_at = greatest(ends_at, app_now()) + make_interval(days => :days), status = 'active',
  updated_at = app_now()
WHERE id = :id AND status <> 'cancelled';

-- name: begin_late
-- Paid for the first time when it had run out: it has from now on the time that it was to have.
UPDATE provider_subscriptions SET starts_at = app_now(), ends_at = app_now() + (ends_at - starts_at), status = 'active',
  updated_at = app_now()
WHERE id = :id AND status <> 'cancelled';

-- name: bought
UPDATE provider_subscriptions SET bought_from = :bought_from, bought_until = :bought_until WHERE id = :id;

-- name: over
-- Those whose time is over.
SELECT id, provider_id FROM provider_subscriptions WHERE status = 'active' AND ends_at <= app_now() ORDER BY ends_at LIMIT :most;

-- name: expire
UPDATE provider_subscriptions SET status = 'expired', updated_at = app_now()
WHERE id = :id AND status = 'active' AND ends_at <= app_now();

-- part: ends_soon
status = 'active' AND ends_at > app_now() AND ends_at <= app_now() + make_interval(days => :days)

-- name: to_renew
-- Those that end soon and go on by themselves, and were not asked for this end yet.
SELECT id, provider_id FROM provider_subscriptions
WHERE {ends_soon} AND auto_renew AND renewed_for IS DISTINCT FROM ends_at ORDER BY ends_at LIMIT :most;

-- name: asked
-- Once for each end, and not where somebody else was faster: it has another end then, which is not near.
UPDATE provider_subscriptions SET renewed_for = ends_at, updated_at = app_now()
WHERE id = :id AND {ends_soon} AND auto_renew AND renewed_for IS DISTINCT FROM ends_at;

-- name: to_remind
SELECT id, provider_id FROM provider_subscriptions
WHERE {ends_soon} AND reminded_for IS DISTINCT FROM ends_at ORDER BY ends_at LIMIT :most;

-- name: remind
-- The same for a reminder.
UPDATE provider_subscriptions SET reminded_for = ends_at WHERE id = :id AND {ends_soon} AND reminded_for IS DISTINCT FROM ends_at;

-- name: reminded
UPDATE provider_subscriptions SET reminded_for = ends_at WHERE id = :id AND reminded_for IS DISTINCT FROM ends_at;

-- name: summary
SELECT count(*) AS total, count(*) FILTER (WHERE d IN ('active', 'new', 'expiring_soon')) AS active,
  count(*) FILTER (WHERE d = 'expiring_soon') AS expiring, count(*) FILTER (WHERE d = 'expired') AS expired
FROM (SELECT {derived} AS d FROM provider_subscriptions s WHERE s.provider_id = :provider_id) x;

-- name: last_paid
-- The payment that came in last for it.
SELECT q.payment_id FROM payment_requests q
WHERE q.purpose_id = :id AND q.purpose = 'subscription' AND q.status = 'paid' ORDER BY q.paid_at DESC, q.id LIMIT 1;

-- name: payments
-- What was asked for and paid for it, newest first.
SELECT t.id, t.amount_minor, t.created_at, t.status, t.reference
FROM payment_requests q JOIN provider_transactions t ON t.id = q.transaction_id
WHERE q.purpose_id = :id AND q.purpose = 'subscription' ORDER BY q.created_at DESC, q.id LIMIT 100;
