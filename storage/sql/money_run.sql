-- name: waiting
-- What will still be tried by itself. A capture that waits for the gateway to do it first is not waited for.
SELECT (SELECT count(*) FROM payment_intents WHERE next_try_at IS NOT NULL AND (kind <> 'capture' OR state = 'running'))
  + (SELECT count(*) FROM gateway_events WHERE next_try_at IS NOT NULL);

-- name: captured
-- Our side of every gateway payment: what came, what of it goes back to where it came from, and what of that waits for
-- a person, so that nobody knows whether it went.
SELECT p.gateway_payment_id AS gateway_id, p.captured_minor,
  coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed' AND NOT r.to_wallet), 0)::bigint AS refunded_minor,
  coalesce(sum(r.amount_minor) FILTER (WHERE r.gateway_refund_id IS NULL AND i.state = 'manual_review'), 0)::bigint AS in_review_minor
FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id LEFT JOIN payment_intents i ON i.refund_id = r.id
WHERE p.gateway_payment_id IS NOT NULL AND p.captured_minor > 0 GROUP BY p.id;

-- name: payees
SELECT DISTINCT payee_id FROM earnings WHERE claimed_minor < earning_minor ORDER BY payee_id;
