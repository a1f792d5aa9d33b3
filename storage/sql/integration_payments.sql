-- part: columns
y.id, y.integration_id, y.currency, y.amount_minor, y.reference, y.paid_on, y.recorded_by, y.created_at, y.reversed_at,
  y.reversed_by, y.reversal_reason

-- part: source
integration_payments y

-- part: of_integration
FROM integration_payments y WHERE y.integration_id = :integration_id

-- name: known
SELECT id FROM integrations WHERE id = :integration_id;

-- name: lock
-- Its account; that of a deleted one too, which owes what it owed.
SELECT id FROM integrations WHERE id = :integration_id FOR NO KEY UPDATE;

-- name: insert
-- None: a transfer with this reference is recorded already.
INSERT INTO integration_payments (integration_id, currency, amount_minor, reference, paid_on, recorded_by)
VALUES (:integration_id, :currency, :amount_minor, :reference, :paid_on, :recorded_by)
ON CONFLICT (integration_id, lower(reference)) WHERE reversed_at IS NULL DO NOTHING RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE y.id = :id AND y.integration_id = :integration_id;

-- name: reverse
UPDATE integration_payments SET reversed_at = app_now(), reversed_by = :reversed_by, reversal_reason = :reason
WHERE id = :id AND reversed_at IS NULL RETURNING id;

-- name: settle
-- The oldest debts are paid first, so what is open is of the newest: done bookings from before it are paid, the others not yet, or,
-- after a payment was taken back, no more.
WITH debts AS (
  SELECT j.booking_id, max(p.id) AS place, -sum(p.amount_minor) AS amount_minor
  FROM ledger_accounts l JOIN ledger_postings p ON p.account_id = l.id JOIN ledger_journals j ON j.id = p.journal_id
  WHERE l.owner_kind = 'party' AND l.owner_id = :integration_id AND l.currency = :currency AND l.type IN ('receivable', 'wallet')
    AND j.kind IN ('completion', 'cancellation_fee')
  GROUP BY j.id
), newer AS (
  SELECT booking_id, coalesce(sum(amount_minor) OVER (ORDER BY place DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer_minor
  FROM debts
), said AS (
  SELECT booking_id, CASE WHEN newer_minor < (
    SELECT coalesce(sum(-l.balance_minor), 0) FROM ledger_accounts l
    WHERE l.owner_kind = 'party' AND l.owner_id = :integration_id AND l.currency = :currency AND l.type = 'receivable')
    THEN 'pending' ELSE 'paid' END AS payment_status
  FROM newer
)
UPDATE bookings b SET payment_status = s.payment_status, updated_at = app_now() FROM said s
WHERE b.id = s.booking_id AND b.status = 'completed' AND b.payment_status IN ('pending', 'paid') AND b.payment_status <> s.payment_status;
