-- name: insert
INSERT INTO payment_intents (kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, next_try_at, give_up_at)
VALUES (:kind, :payment_id, :refund_id, :payout_id, :gateway_ref, :idempotency_key,
  clock_timestamp() + make_interval(secs => :delay_s), clock_timestamp() + make_interval(days => 1, secs => :delay_s))
ON CONFLICT DO NOTHING
RETURNING id;

-- name: insert_claimed
-- The order of a new payment, with its first runner: the one that commits it.
INSERT INTO payment_intents (kind, payment_id, idempotency_key, state, attempts, next_try_at)
VALUES ('order', :payment_id, :idempotency_key, 'running', 1, clock_timestamp() + make_interval(secs => :lease_s))
RETURNING id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error;

-- name: rearm_capture
-- Another payment of the order was authorised, or this one is wanted sooner: the capture is due again.
UPDATE payment_intents SET gateway_ref = :gateway_ref, state = 'pending', updated_at = clock_timestamp(),
  attempts = CASE WHEN gateway_ref = :gateway_ref THEN attempts ELSE 0 END,
  next_try_at = least(coalesce(next_try_at, 'infinity'), clock_timestamp() + make_interval(secs => :delay_s)),
  give_up_at = CASE WHEN gateway_ref = :gateway_ref AND state = 'pending' THEN give_up_at
    ELSE clock_timestamp() + make_interval(days => 1, secs => :delay_s) END
WHERE payment_id = :payment_id AND kind = 'capture'
  AND (state IN ('pending', 'manual_review') OR (state <> 'running' AND gateway_ref <> :gateway_ref));

-- name: rearm_order
-- Its customer asks again: no reason to wait any longer, and one that waits for a person is tried once more.
UPDATE payment_intents SET state = 'pending', next_try_at = clock_timestamp(), updated_at = clock_timestamp(),
  give_up_at = CASE WHEN state = 'manual_review' THEN clock_timestamp() + interval '1 day' ELSE give_up_at END
WHERE payment_id = :payment_id AND kind = 'order'
  AND (state = 'manual_review' OR (state = 'pending' AND next_try_at > clock_timestamp()));

-- name: rearm_link
-- Somebody wants to pay there: what was refused, or waits for a person, is tried once more, and the gateway is asked first.
UPDATE payment_intents SET state = 'pending', attempts = 1, next_try_at = clock_timestamp(), updated_at = clock_timestamp(),
  give_up_at = clock_timestamp() + interval '1 day'
WHERE id = :intent_id AND state IN ('failed', 'manual_review');

-- name: claim
-- One runner at a time, for as long as the lease lasts. A runner that died leaves it to whoever comes after that.
UPDATE payment_intents SET state = 'running', attempts = attempts + 1, updated_at = clock_timestamp(),
  next_try_at = clock_timestamp() + make_interval(secs => :lease_s)
WHERE id = :intent_id AND state IN ('pending', 'running') AND next_try_at <= clock_timestamp()
RETURNING id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error;

-- name: claim_due
UPDATE payment_intents SET state = 'running', attempts = attempts + 1, updated_at = clock_timestamp(),
  next_try_at = clock_timestamp() + make_interval(secs => :lease_s)
WHERE id = (SELECT id FROM payment_intents WHERE next_try_at <= clock_timestamp()
              AND (state = 'pending' OR give_up_at > clock_timestamp())
            ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error;

-- name: give_up_stale
-- Its day is over, and the runner of its last try died: a person has to look.
UPDATE payment_intents SET state = 'manual_review', next_try_at = NULL, error = coalesce(error, 'the last try never ended'),
  updated_at = clock_timestamp()
WHERE id = (SELECT id FROM payment_intents WHERE next_try_at <= clock_timestamp() AND state = 'running'
              AND give_up_at <= clock_timestamp()
            ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error;

-- name: finish
UPDATE payment_intents SET state = :state, error = :error, next_try_at = NULL, updated_at = clock_timestamp()
WHERE id = :intent_id AND state = 'running';

-- name: retry
-- Its last try is at the end of its day. No row: that is over, a person has to look.
UPDATE payment_intents SET state = 'pending', error = :error, updated_at = clock_timestamp(),
  next_try_at = least(clock_timestamp() + make_interval(secs => :delay_s), give_up_at)
WHERE id = :intent_id AND state = 'running' AND give_up_at > clock_timestamp();

-- name: hurry
-- The gateway answers again: what would wait longer is due within so many seconds, not all at once.
UPDATE payment_intents SET next_try_at = clock_timestamp() + make_interval(secs => random() * :within_s)
WHERE id IN (SELECT id FROM payment_intents WHERE state = 'pending' AND attempts > 0
               AND next_try_at > clock_timestamp() + make_interval(secs => :within_s) FOR UPDATE SKIP LOCKED);

-- name: expire
-- Nobody needs the order or its money any more. A call that is under way ends by itself.
UPDATE payment_intents SET state = 'expired', next_try_at = NULL, updated_at = clock_timestamp()
WHERE payment_id = :payment_id AND kind IN ('order', 'capture', 'link') AND state = 'pending';

-- name: captured
-- The money is here, so nobody has to capture it any more.
UPDATE payment_intents SET state = 'done', next_try_at = NULL, updated_at = clock_timestamp()
WHERE payment_id = :payment_id AND kind = 'capture' AND state = 'pending';

-- name: of_payment
SELECT id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error
FROM payment_intents WHERE payment_id = :payment_id AND kind = :kind;

-- name: open_of_payout
-- The gateway has been asked, or will be, and has not said how it ended.
SELECT count(*) FROM payment_intents i JOIN payouts o ON o.id = i.payout_id
WHERE i.payout_id = :payout_id AND (i.state IN ('pending', 'running', 'manual_review')
  OR (i.state = 'done' AND o.status = 'processing'));

-- name: close_reviewed
-- What a person or a later message settled needs no review any more.
UPDATE payment_intents SET state = 'done', updated_at = clock_timestamp()
WHERE state = 'manual_review'
  AND ((:refund_id::uuid IS NOT NULL AND refund_id = :refund_id) OR (:payment_id::uuid IS NOT NULL AND payment_id = :payment_id)
    OR (:payout_id::uuid IS NOT NULL AND payout_id = :payout_id));

-- name: count_by_state
SELECT state, count(*) AS intents FROM payment_intents GROUP BY state ORDER BY state;

-- name: in_review
SELECT id, kind, payment_id, refund_id, payout_id, gateway_ref, idempotency_key, state, attempts, error
FROM payment_intents WHERE state = 'manual_review' ORDER BY created_at LIMIT 500;

-- name: try_again
-- With the same key, and as one whose outcome is not known: the gateway is asked first.
UPDATE payment_intents SET state = 'pending', attempts = 1, next_try_at = clock_timestamp(), updated_at = clock_timestamp(),
  give_up_at = clock_timestamp() + interval '1 day'
WHERE state = 'manual_review';

-- name: try_one_again
-- The same of one kind about one payment, refund or payout.
UPDATE payment_intents SET state = 'pending', attempts = 1, next_try_at = clock_timestamp(), updated_at = clock_timestamp(),
  give_up_at = clock_timestamp() + interval '1 day'
WHERE state = 'manual_review' AND kind = :kind AND coalesce(refund_id, payout_id, payment_id) = :about;
