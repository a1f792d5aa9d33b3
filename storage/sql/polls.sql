-- name: claim_payment
-- An order that nobody reported on: ask, and ask again later and later. In real time, like the gateway.
UPDATE payments SET poll_at = CASE WHEN asked_from > clock_timestamp() - interval '4 days'
  THEN clock_timestamp() + greatest(make_interval(secs => :again_s), (clock_timestamp() - asked_from) / 2) END
WHERE id = (SELECT id FROM payments WHERE poll_at <= clock_timestamp() ORDER BY poll_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: claim_refund
UPDATE refunds SET poll_at = clock_timestamp() + greatest(make_interval(secs => :again_s), (clock_timestamp() - asked_from) / 2)
WHERE id = (SELECT id FROM refunds WHERE poll_at <= clock_timestamp() ORDER BY poll_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: claim_payout
UPDATE payouts SET poll_at = clock_timestamp() + greatest(make_interval(secs => :again_s), (clock_timestamp() - asked_from) / 2)
WHERE id = (SELECT id FROM payouts WHERE poll_at <= clock_timestamp() ORDER BY poll_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id;
