-- name: insert
INSERT INTO earnings (booking_id, assignment_id, technician_id, payee_id, technician_share_pct, currency, booking_minor,
  tax_minor, earning_minor, platform_minor, payment_method)
VALUES (:booking_id, :assignment_id, :technician_id, :payee_id, :technician_share_pct, :currency, :booking_minor,
  :tax_minor, :earning_minor, :platform_minor, :payment_method)
ON CONFLICT (booking_id) DO NOTHING
RETURNING id;

-- part: columns
e.id, e.booking_id, b.number AS booking_number, e.assignment_id, e.technician_id, e.payee_id, e.technician_share_pct,
  e.currency, e.booking_minor, e.tax_minor, e.earning_minor, e.platform_minor, e.payment_method, e.status, e.payout_id,
  p.number AS payout_number, e.created_at, e.paid_at

-- part: source
earnings e JOIN bookings b ON b.id = e.booking_id LEFT JOIN payouts p ON p.id = e.payout_id

-- part: of_payee
FROM earnings e WHERE e.payee_id = :payee_id

-- name: totals
-- Per currency, the one with the most earnings first.
SELECT e.currency,
  coalesce(sum(e.earning_minor) FILTER (WHERE e.status <> 'cancelled'), 0)::bigint AS total_minor,
  coalesce(sum(e.earning_minor) FILTER (WHERE e.status = 'pending'), 0)::bigint AS pending_minor,
  coalesce(sum(e.earning_minor) FILTER (WHERE e.status = 'paid'), 0)::bigint AS paid_minor,
  count(*) AS earnings
FROM earnings e
WHERE e.payee_id = :payee_id
  AND (:from_at::timestamptz IS NULL OR e.created_at >= :from_at)
  AND (:to_at::timestamptz IS NULL OR e.created_at < :to_at)
GROUP BY e.currency ORDER BY count(*) DESC, e.currency;

-- name: of_booking
SELECT {columns} FROM {source} WHERE e.booking_id = :booking_id;

-- name: lock_pending
-- What may go into a payout: not paid, in no other one. Named ids narrow it.
SELECT id, currency, earning_minor FROM earnings
WHERE payee_id = :payee_id AND status = 'pending' AND payout_id IS NULL
  AND (:ids::uuid[] IS NULL OR id = ANY(:ids::uuid[]))
ORDER BY id FOR UPDATE;

-- name: count_known
SELECT count(*) FROM earnings WHERE payee_id = :payee_id AND id = ANY(:ids::uuid[]);

-- name: claim
UPDATE earnings SET payout_id = :payout_id WHERE id = ANY(:ids::uuid[]) AND status = 'pending' AND payout_id IS NULL;

-- name: pay
UPDATE earnings SET status = 'paid', paid_at = app_now() WHERE payout_id = :payout_id AND status = 'pending';

-- name: release
UPDATE earnings SET payout_id = NULL WHERE payout_id = :payout_id AND status = 'pending';
