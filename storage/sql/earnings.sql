-- name: insert
INSERT INTO earnings (booking_id, assignment_id, technician_id, payee_id, technician_share_pct, currency, booking_minor,
  tax_minor, earning_minor, platform_minor, payment_method)
VALUES (:booking_id, :assignment_id, :technician_id, :payee_id, :technician_share_pct, :currency, :booking_minor,
  :tax_minor, :earning_minor, :platform_minor, :payment_method)
ON CONFLICT (booking_id) DO NOTHING
RETURNING id;

-- part: columns
e.id, e.booking_id, b.number AS booking_number, e.assignment_id, e.technician_id, e.payee_id, e.technician_share_pct,
  e.currency, e.booking_minor, e.tax_minor, e.earning_minor, e.platform_minor, e.paid_minor, e.payment_method, e.status,
  e.payout_id, p.number AS payout_number, e.created_at, e.paid_at

-- part: source
earnings e JOIN bookings b ON b.id = e.booking_id LEFT JOIN payouts p ON p.id = e.payout_id

-- part: of_payee
FROM earnings e WHERE e.payee_id = :payee_id

-- name: status_of
SELECT status FROM earnings WHERE booking_id = :booking_id;

-- name: totals
-- Per currency, the one with the most earnings first.
SELECT e.currency,
  coalesce(sum(e.earning_minor) FILTER (WHERE e.status <> 'cancelled'), 0)::bigint AS total_minor,
  coalesce(sum(e.earning_minor - e.paid_minor) FILTER (WHERE e.status = 'pending'), 0)::bigint AS pending_minor,
  coalesce(sum(e.paid_minor), 0)::bigint AS paid_minor,
  count(*) AS earnings
FROM earnings e
WHERE e.payee_id = :payee_id
  AND (:from_at::timestamptz IS NULL OR e.created_at >= :from_at)
  AND (:to_at::timestamptz IS NULL OR e.created_at < :to_at)
GROUP BY e.currency ORDER BY count(*) DESC, e.currency;

-- name: lock_open
-- What may go into a payout, the oldest first: what no other one has claimed. Named ids narrow it.
SELECT id, currency, earning_minor - claimed_minor AS open_minor FROM earnings
WHERE payee_id = :payee_id AND status = 'pending' AND claimed_minor < earning_minor
  AND (:ids::uuid[] IS NULL OR id = ANY(:ids::uuid[]))
ORDER BY created_at, id FOR UPDATE;

-- name: count_known
SELECT count(*) FROM earnings WHERE payee_id = :payee_id AND id = ANY(:ids::uuid[]);

-- name: claim
-- A CHECK refuses more of an earning than is left.
UPDATE earnings e SET claimed_minor = claimed_minor + p.amount_minor, payout_id = p.payout_id
FROM payout_parts p WHERE p.payout_id = :payout_id AND e.id = p.earning_id;

-- name: pay
-- One is paid when all of it is.
UPDATE earnings e SET paid_minor = paid_minor + p.amount_minor,
  status = CASE WHEN paid_minor + p.amount_minor = earning_minor THEN 'paid' ELSE status END,
  paid_at = CASE WHEN paid_minor + p.amount_minor = earning_minor THEN app_now() END
FROM payout_parts p WHERE p.payout_id = :payout_id AND e.id = p.earning_id;

-- name: release
-- The payout's money did not go, or came back (`was_paid`): exactly its parts wait again.
UPDATE earnings e SET claimed_minor = claimed_minor - p.amount_minor,
  paid_minor = CASE WHEN :was_paid THEN paid_minor - p.amount_minor ELSE paid_minor END,
  status = CASE WHEN :was_paid THEN 'pending' ELSE status END, paid_at = CASE WHEN :was_paid THEN NULL ELSE paid_at END,
  payout_id = (SELECT o.id FROM payout_parts q JOIN payouts o ON o.id = q.payout_id
               WHERE q.earning_id = e.id AND o.status <> 'failed' AND o.id <> :payout_id ORDER BY o.created_at DESC, o.id LIMIT 1)
FROM payout_parts p WHERE p.payout_id = :payout_id AND e.id = p.earning_id;
