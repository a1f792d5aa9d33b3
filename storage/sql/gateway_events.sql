-- name: store
-- No row: it came before, by its id, its bytes or its meaning.
INSERT INTO gateway_events (event_id, body_sha256, natural_key, event_type, account, order_id, payment_id, payload, signature,
  is_verified, sent_at, needs_review, next_try_at, error)
VALUES (:event_id, :body_sha256, :natural_key, :event_type, :account, :order_id, :payment_id, :payload, :signature,
  true, :sent_at, :needs_review, CASE WHEN :needs_review THEN NULL ELSE clock_timestamp() END, :error)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: claim_due
-- Held by the row's lock for as long as the transaction lasts.
SELECT id, event_id, event_type, order_id, payment_id, payload, retry_count, sent_at, created_at FROM gateway_events
WHERE next_try_at <= clock_timestamp() ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: lease
UPDATE gateway_events SET next_try_at = clock_timestamp() + make_interval(secs => :lease_s) WHERE id = :event_row_id;

-- name: processed
UPDATE gateway_events SET is_processed = true, processed_at = clock_timestamp(), next_try_at = NULL, error = :note
WHERE id = :event_row_id AND NOT is_processed AND NOT needs_review;

-- name: retry
-- Its last try is at the end of its day. No row: that is over, a person has to look.
UPDATE gateway_events SET retry_count = retry_count + 1, error = :error,
  next_try_at = least(clock_timestamp() + make_interval(secs => :delay_s), give_up_at)
WHERE id = :event_row_id AND NOT is_processed AND give_up_at > clock_timestamp();

-- name: hurry
-- The gateway answers again: what would wait longer is due within so many seconds, not all at once.
UPDATE gateway_events SET next_try_at = clock_timestamp() + make_interval(secs => random() * :within_s)
WHERE id IN (SELECT id FROM gateway_events WHERE retry_count > 0
               AND next_try_at > clock_timestamp() + make_interval(secs => :within_s) FOR UPDATE SKIP LOCKED);

-- name: review
UPDATE gateway_events SET needs_review = true, error = :error, next_try_at = NULL
WHERE id = :event_row_id AND NOT is_processed;

-- name: in_review
SELECT id, event_type, payment_id, error FROM gateway_events WHERE needs_review ORDER BY created_at LIMIT 500;

-- name: try_again
UPDATE gateway_events SET needs_review = false, retry_count = 0, next_try_at = clock_timestamp(),
  give_up_at = clock_timestamp() + interval '1 day'
WHERE needs_review;

-- name: try_one_again
UPDATE gateway_events SET needs_review = false, retry_count = 0, next_try_at = clock_timestamp(),
  give_up_at = clock_timestamp() + interval '1 day'
WHERE needs_review AND id = :event_row_id;
