-- name: insert
-- No row: the booking has one of this kind.
INSERT INTO payments (id, booking_id, account_id, kind, status, currency, amount_minor, dues_minor, receipt, expires_at)
VALUES (:payment_id, :booking_id, :account_id, :kind, :status, :currency, :amount_minor, :dues_minor, :receipt, :expires_at)
ON CONFLICT DO NOTHING
RETURNING id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at;

-- name: insert_request
-- What a customer of a provider is asked for: all of it is the payee's.
INSERT INTO payments (id, account_id, kind, status, currency, amount_minor, receipt, payee_id)
VALUES (:payment_id, :account_id, 'online', 'created', :currency, :amount_minor, :receipt, :payee_id);

-- name: insert_captured
-- Money that is already here: a wallet's part, or what a gateway took besides the payment it was asked for.
INSERT INTO payments (id, booking_id, account_id, kind, method, status, currency, amount_minor, captured_minor, receipt,
  gateway_payment_id, surplus_of, captured_at, review_reason)
VALUES (:payment_id, :booking_id, :account_id, :kind, :method, 'success', :currency, :amount_minor, :amount_minor, :receipt,
  :gateway_payment_id, :surplus_of, coalesce(:captured_at::timestamptz, app_now()), :review_reason)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: get
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE id = :payment_id;

-- name: lock
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE id = :payment_id FOR UPDATE;

-- name: of_booking
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE booking_id = :booking_id ORDER BY created_at, id;

-- name: find_by_order
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE gateway_order_id = :order_id;

-- name: find_by_receipt
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE receipt = :receipt;

-- name: find_by_gateway_payment
SELECT id, booking_id, account_id, kind, method, status, currency, amount_minor, dues_minor, captured_minor, refunded_minor,
  receipt, gateway_order_id, gateway_payment_id, surplus_of, failure_reason, review_reason, expires_at, captured_at, payee_id, created_at
FROM payments WHERE gateway_payment_id = :gateway_payment_id;

-- name: shrink
-- A wallet pays a part: the rest is less, as long as nobody was asked to pay it.
UPDATE payments SET amount_minor = amount_minor - :by_minor, updated_at = app_now()
WHERE id = :payment_id AND captured_minor = 0 AND gateway_order_id IS NULL AND amount_minor - dues_minor > :by_minor
  AND NOT EXISTS (SELECT 1 FROM payment_intents i WHERE i.payment_id = :payment_id);

-- name: drop_unasked
-- A wallet pays it all: nothing is left to ask for. Only a row that never left the house goes.
DELETE FROM payments WHERE id = :payment_id AND captured_minor = 0 AND gateway_order_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM payment_intents i WHERE i.payment_id = :payment_id);

-- name: ordered
-- The gateway's order is known. A failed try may have come before the answer to the call that made the order.
UPDATE payments SET gateway_order_id = :order_id, status = CASE WHEN status = 'created' THEN 'pending' ELSE status END,
  poll_at = clock_timestamp() + make_interval(secs => :poll_s), updated_at = app_now()
WHERE id = :payment_id AND gateway_order_id IS NULL;

-- name: paged
-- It has its page; the order may come to be only when somebody pays there.
UPDATE payments SET status = CASE WHEN status = 'created' THEN 'pending' ELSE status END,
  poll_at = clock_timestamp() + make_interval(secs => :poll_s), updated_at = app_now()
WHERE id = :payment_id AND captured_minor = 0 AND gateway_order_id IS NULL;

-- name: supersede
-- Another payment takes its place: should its order be paid all the same, that money is a surplus.
UPDATE payments SET surplus_of = :by_id,
  poll_at = CASE WHEN gateway_order_id IS NULL AND payee_id IS NULL THEN NULL ELSE poll_at END, updated_at = app_now()
WHERE id = :payment_id AND captured_minor = 0;

-- name: capture
-- The one way in which a payment becomes paid; a second call changes nothing.
UPDATE payments SET status = 'success', captured_minor = amount_minor, gateway_payment_id = :gateway_payment_id,
  method = coalesce(:method, method), failure_reason = NULL, review_reason = NULL, captured_at = coalesce(:captured_at::timestamptz, app_now()),
  poll_at = NULL, updated_at = app_now()
WHERE id = :payment_id AND captured_minor = 0;

-- name: fail
UPDATE payments SET status = 'failed', failure_reason = :reason, method = coalesce(:method, method), updated_at = app_now()
WHERE id = :payment_id AND status IN ('created', 'pending');

-- name: hold_for_review
UPDATE payments SET review_reason = :reason, updated_at = app_now() WHERE id = :payment_id AND review_reason IS NULL;

-- name: reserve_refund
-- The CHECK on refunded_minor decides who comes too late.
UPDATE payments SET refunded_minor = refunded_minor + :amount_minor, updated_at = app_now() WHERE id = :payment_id;

-- name: settle_refund
-- What is settled decides the state; what is only asked for does not. Old fees that it settled stay settled.
UPDATE payments p SET status = CASE WHEN s.settled >= p.captured_minor - p.dues_minor THEN 'refunded' ELSE 'partially_refunded' END,
  updated_at = app_now()
FROM (SELECT coalesce(sum(r.amount_minor), 0) AS settled FROM refunds r
      WHERE r.payment_id = :payment_id AND r.status = 'processed') s
WHERE p.id = :payment_id AND s.settled > 0;

-- name: claimed_dues
-- Old fees that open payments of this account already ask for.
SELECT coalesce(sum(dues_minor), 0)::bigint FROM payments p JOIN bookings b ON b.id = p.booking_id
WHERE p.account_id = :account_id AND p.currency = :currency AND p.captured_minor = 0 AND p.dues_minor > 0
  AND p.surplus_of IS NULL AND b.status NOT IN ('cancelled', 'refunded', 'completed');

-- name: settled_of_booking
-- What a booking's payments hold, without surplus: captured (old fees of it), reserved for refunds, and settled refunds.
SELECT coalesce(sum(p.captured_minor), 0)::bigint AS captured_minor,
  coalesce(sum(p.dues_minor) FILTER (WHERE p.captured_minor > 0), 0)::bigint AS dues_minor,
  coalesce(sum(p.refunded_minor), 0)::bigint AS refunded_minor,
  coalesce((SELECT sum(r.amount_minor) FROM refunds r JOIN payments q ON q.id = r.payment_id
    WHERE q.booking_id = :booking_id AND q.surplus_of IS NULL AND r.status = 'processed'), 0)::bigint AS settled_minor,
  coalesce((SELECT sum(r.amount_minor) FROM refunds r JOIN payments q ON q.id = r.payment_id
    WHERE q.booking_id = :booking_id AND q.surplus_of IS NULL AND r.status = 'processing'), 0)::bigint AS processing_minor
FROM payments p WHERE p.booking_id = :booking_id AND p.surplus_of IS NULL;
