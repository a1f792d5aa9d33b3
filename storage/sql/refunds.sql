-- name: insert
-- One that the gateway knows already is asked about, as those are that we asked it for.
INSERT INTO refunds (payment_id, booking_id, amount_minor, prepaid_minor, owed_minor, uncovered_minor, currency, to_wallet,
  gateway_refund_id, reason, notes, requested_by, poll_at)
VALUES (:payment_id, :booking_id, :amount_minor, :prepaid_minor, :owed_minor, :uncovered_minor, :currency, :to_wallet,
  :gateway_refund_id, :reason, :notes, :requested_by,
  CASE WHEN :gateway_refund_id::text IS NOT NULL THEN clock_timestamp() + make_interval(secs => :poll_s) END)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get
SELECT id, payment_id, booking_id, amount_minor, prepaid_minor, owed_minor, uncovered_minor, currency, to_wallet, status, gateway_refund_id, reason,
  notes, requested_by, failure_reason, created_at, settled_at
FROM refunds WHERE id = :refund_id;

-- name: find_by_gateway_id
SELECT id, payment_id, booking_id, amount_minor, prepaid_minor, owed_minor, uncovered_minor, currency, to_wallet, status, gateway_refund_id, reason,
  notes, requested_by, failure_reason, created_at, settled_at
FROM refunds WHERE gateway_refund_id = :gateway_refund_id;

-- name: of_booking
SELECT id, payment_id, booking_id, amount_minor, prepaid_minor, owed_minor, uncovered_minor, currency, to_wallet, status, gateway_refund_id, reason,
  notes, requested_by, failure_reason, created_at, settled_at
FROM refunds WHERE booking_id = :booking_id ORDER BY created_at, id;

-- name: made_up_for
-- Earlier refunds of the payment that failed, that staff still look at, and that a new one of at least their amount makes
-- up for: the eldest of them, and all when everything is back.
SELECT r.id FROM refunds r JOIN alerts a ON a.subject = 'refund:' || r.id AND a.resolved_at IS NULL
WHERE r.payment_id = :payment_id AND r.status = 'failed' AND r.amount_minor <= :amount_minor
ORDER BY r.created_at, r.id LIMIT (SELECT CASE WHEN p.status = 'refunded' THEN NULL ELSE 1 END FROM payments p WHERE p.id = :payment_id);

-- name: accepted
-- The gateway knows it; if its word on the outcome is lost, we ask.
UPDATE refunds SET gateway_refund_id = :gateway_refund_id, poll_at = clock_timestamp() + make_interval(secs => :poll_s)
WHERE id = :refund_id AND gateway_refund_id IS NULL;

-- name: settle
UPDATE refunds SET status = 'processed', settled_at = app_now(), poll_at = NULL WHERE id = :refund_id AND status = 'processing';

-- name: fail
UPDATE refunds SET status = 'failed', settled_at = app_now(), poll_at = NULL, failure_reason = :failure_reason,
  returned_to = :returned_to
WHERE id = :refund_id AND (status = 'processing' OR (:came_back::bool AND status = 'processed' AND NOT to_wallet));

-- name: was_earned
-- Whether the booking's job was done, whatever became of the booking since.
SELECT EXISTS (SELECT 1 FROM earnings WHERE booking_id = :booking_id);
