-- part: columns
id, number, system, account_id, organisation_id, billed_to, preview_id, address, contact, zone_id, lat, lng, is_approximate, timezone, local_date, local_time,
  starts_at, ends_at, categories, tiers, status, payment_method, payment_status, currency, subtotal_minor, savings_minor, discount_minor,
  tax_minor, grand_total_minor, promo_code_id, priority, auto_assign, start_code, technician_id, round, attempt,
  next_action, next_action_at, queued_at, queue_reason, looks, waits_for, watch, event_seq, cancelled_at, cancelled_by, cancellation_fee_minor,
  refund_minor, rating, created_at, free_cancellation_s, cancellation_fee_pct, wallet_minor, outstanding_fee_minor, to_collect_minor, collected_minor;

-- name: insert
-- A booking with its items. Without a number it takes the next one after the stem; the sequence locks nobody.
WITH b AS (
  INSERT INTO bookings (id, status, attempt, event_seq, number, system, account_id, organisation_id, billed_to, preview_id, confirmed_as, address_id, address, contact, zone_id,
    lat, lng, is_approximate, timezone, local_date, local_time, starts_at, ends_at, categories, tiers, payment_method, currency,
    subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, promo_code_id, priority, auto_assign,
    policy_accepted, start_code, next_action, next_action_at, to_collect_minor, free_cancellation_s, cancellation_fee_pct)
  VALUES (:id, :status, :attempt, :event_seq, coalesce(:number, :number_stem || (SELECT lpad(n, greatest(6, length(n)), '0') FROM (SELECT nextval('booking_numbers')::text AS n) AS next)),
    :system, :account_id, :organisation_id, :billed_to, :preview_id, :confirmed_as, :address_id, :address, :contact, :zone_id,
    :lat, :lng, :is_approximate, :timezone, :local_date, :local_time, :starts_at, :ends_at, :categories, :tiers, :payment_method, :currency,
    :subtotal_minor, :savings_minor, :discount_minor, :tax_minor, :grand_total_minor, :promo_code_id, :priority, :auto_assign,
    :policy_accepted, :start_code, :next_action, :next_action_at, :to_collect_minor, :free_cancellation_s, :cancellation_fee_pct)
  RETURNING *
), i AS (
  INSERT INTO booking_items (booking_id, position, service_id, name, category, tier, quantity, duration_minutes, list_price_minor, price_minor)
  SELECT b.id, item.n - 1, item.service_id, item.name, item.category, item.tier, item.quantity, item.minutes, item.list_price, item.price
  FROM b, unnest(:service_ids::uuid[], :names::text[], :item_categories::text[], :item_tiers::text[], :quantities::int[],
    :minutes::int[], :list_prices::bigint[], :prices::bigint[]) WITH ORDINALITY
    AS item (service_id, name, category, tier, quantity, minutes, list_price, price, n)
)
SELECT {columns}
FROM b;

-- name: get
SELECT {columns}
FROM bookings WHERE id = :booking_id;

-- name: lock
-- The booking's row is always the first to be locked; everything else follows it.
SELECT {columns}
FROM bookings WHERE id = :booking_id FOR UPDATE;

-- name: due
-- A set of bookings whose time has come and that nobody works on just now: to be dispatched by importance, all else
-- by its time. Each half walks its own index; whoever handles one locks it and looks again. Of a set the first to start is
-- first served.
WITH to_dispatch AS (
  SELECT id, priority, starts_at, next_action_at, timer_failures FROM bookings WHERE next_action = 'dispatch' AND next_action_at <= app_now()
  ORDER BY priority DESC, next_action_at LIMIT :most FOR UPDATE SKIP LOCKED
), others AS (
  SELECT id, priority, starts_at, next_action_at, timer_failures FROM bookings WHERE next_action <> 'dispatch' AND next_action_at <= app_now()
  ORDER BY next_action_at LIMIT :most FOR UPDATE SKIP LOCKED
)
SELECT id, timer_failures FROM (SELECT * FROM to_dispatch UNION ALL SELECT * FROM others) AS found
ORDER BY priority DESC, starts_at, next_action_at, id;

-- name: lock_due
-- No row: somebody else works on it, or has done so.
SELECT {columns}
FROM bookings WHERE id = :booking_id AND next_action_at <= app_now() FOR UPDATE SKIP LOCKED;

-- name: next_due
SELECT least(
  (SELECT min(next_action_at) FROM bookings WHERE next_action <> 'dispatch'),
  (SELECT min(next_action_at) FROM bookings WHERE next_action = 'dispatch')
) AS next_due;

-- name: overdue_s
-- How late the most overdue timer is, in seconds of the domain's time; 0 when none is due.
SELECT coalesce(greatest(0, extract(epoch FROM app_now() - least(
  (SELECT min(next_action_at) FROM bookings WHERE next_action <> 'dispatch'),
  (SELECT min(next_action_at) FROM bookings WHERE next_action = 'dispatch')
))), 0)::float8 AS overdue_s;

-- name: move
UPDATE bookings SET status = :target, updated_at = app_now() WHERE id = :booking_id AND status = ANY(:sources);

-- name: wait_for
-- Hands the booking to a timer; its entry in the queue rests. No row: it left the state that the step starts from.
UPDATE bookings SET status = :target, next_action = :action, next_action_at = :at, looks = 0, waits_for = '{}',
  updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: fall_back
-- Nobody has it: it is due for dispatch, its interval is merely held, and its entry in the queue rests a while longer.
WITH interval AS (UPDATE slots SET state = 'held' WHERE booking_id = :booking_id)
UPDATE bookings SET status = :target, next_action = 'dispatch', next_action_at = app_now(), looks = 0, waits_for = '{}',
  updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: offer_made
-- The queue's entry rests while the offer is open: it keeps its age.
UPDATE bookings SET status = :target, attempt = attempt + :attempts, next_action = 'offer_expiry', next_action_at = :expires_at,
  looks = 0, waits_for = '{}', event_seq = event_seq + :facts::int, updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: not_asked
-- Who was to be asked with the booking's opening cannot be: it is to be dispatched, as if it had been opened so.
UPDATE bookings SET status = 'pending', attempt = 0, next_action = 'dispatch', next_action_at = :at WHERE id = :booking_id;

-- name: queue
-- For people, and beside them for the next look if there is one, in so many seconds of the database's time; else for its start.
-- Who looks again by itself has one look more.
UPDATE bookings SET status = 'pending',
  next_action = CASE WHEN :pause_s::float8 IS NOT NULL THEN 'look' WHEN starts_at > app_now() THEN 'start' END,
  next_action_at = CASE WHEN :pause_s IS NOT NULL THEN app_now() + make_interval(secs => :pause_s) WHEN starts_at > app_now() THEN starts_at END,
  queued_at = coalesce(queued_at, app_now()), queue_reason = :reason,
  looks = CASE WHEN :looks_again THEN looks + 1 ELSE 0 END, waits_for = :waits_for, updated_at = app_now()
WHERE id = :booking_id AND status IN ('pending', 'partner_assigned')
RETURNING {columns};

-- name: has_begun
-- Whether its start is over by the database's clock: a node's own may have jumped.
SELECT starts_at <= app_now() FROM bookings WHERE id = :booking_id;

-- name: give_attempt_back
-- An offer that people took back was neither answered nor did it expire: it is no attempt.
UPDATE bookings SET attempt = attempt - 1 WHERE id = :booking_id AND attempt > 0
RETURNING {columns};

-- name: confirm
-- The booking and its interval are the technician's; it is watched so long before its start.
WITH interval AS (UPDATE slots SET state = 'accepted' WHERE booking_id = :booking_id)
UPDATE bookings SET status = :target, technician_id = :technician_id, next_action = 'watch',
  next_action_at = greatest(app_now(), starts_at - make_interval(secs => :ahead_s::float8)), watch = NULL, queued_at = NULL, queue_reason = NULL,
  event_seq = event_seq + :facts::int, updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: reopen
-- The accepted technician is gone: a new round begins, and the interval is merely held.
WITH interval AS (UPDATE slots SET state = 'held' WHERE booking_id = :booking_id)
UPDATE bookings SET status = :target, technician_id = NULL, round = round + 1, attempt = 0, watch = NULL,
  next_action = 'dispatch', next_action_at = app_now(), updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: new_round
UPDATE bookings SET round = round + 1, attempt = 0, auto_assign = auto_assign OR :is_ordered, next_action = 'dispatch',
  next_action_at = app_now(), queued_at = NULL, queue_reason = NULL, looks = 0, waits_for = '{}', updated_at = app_now()
WHERE id = :booking_id AND status = 'pending'
RETURNING {columns};

-- name: watch
UPDATE bookings SET watch = :watch, next_action_at = :next_at WHERE id = :booking_id AND status = 'confirmed';

-- name: unwatch
UPDATE bookings SET next_action = NULL, next_action_at = NULL WHERE id = :booking_id AND status = 'in_progress';

-- name: start
-- It is looked at once more, where it goes on for so much longer than it takes.
UPDATE bookings SET status = :target, next_action = 'watch', watch = NULL,
  next_action_at = app_now() + (ends_at - starts_at) + make_interval(secs => :unfinished_s::float8), updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: complete
UPDATE bookings SET status = :target, next_action = NULL, next_action_at = NULL, watch = NULL, updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: cancel
UPDATE bookings SET status = :target, next_action = NULL, next_action_at = NULL, queued_at = NULL, queue_reason = NULL,
  looks = 0, waits_for = '{}', cancelled_at = app_now(), cancelled_by = :cancelled_by, cancellation_reason = :reason, cancellation_fee_minor = :fee_minor,
  refund_minor = :refund_minor, updated_at = app_now()
WHERE id = :booking_id AND status = ANY(:sources)
RETURNING {columns};

-- name: reschedule
UPDATE bookings SET starts_at = :starts_at, ends_at = :ends_at, local_date = :local_date, local_time = :local_time,
  updated_at = app_now()
WHERE id = :booking_id
RETURNING {columns};

-- name: set_payment_status
UPDATE bookings SET payment_status = :payment_status, updated_at = app_now() WHERE id = :booking_id;

-- name: pay_in_cash
UPDATE bookings SET payment_method = 'cash', payment_status = 'pending', updated_at = app_now() WHERE id = :booking_id;

-- name: rate
-- Once, by its customer, when done; a visit that was paid back afterwards has taken place all the same.
UPDATE bookings SET rating = :rating, feedback = :feedback, rated_at = app_now(), updated_at = app_now()
WHERE id = :booking_id AND account_id = :account_id AND rating IS NULL
  AND (status = 'completed' OR (status = 'refunded' AND cancelled_at IS NULL))
RETURNING technician_id;

-- name: set_priority
UPDATE bookings SET priority = :priority, auto_assign = :auto_assign, updated_at = app_now() WHERE id = :booking_id
RETURNING {columns};

-- name: postpone
-- A handler that failed: the next one gets its turn, this one comes back.
UPDATE bookings SET next_action_at = app_now() + make_interval(secs => :seconds), timer_failures = timer_failures + 1
WHERE id = :booking_id AND next_action_at <= app_now()
RETURNING timer_failures;

-- name: timer_works
-- A handler that failed before and did not this time.
UPDATE bookings SET timer_failures = 0 WHERE id = :booking_id;

-- name: count_done
UPDATE technicians SET completed_bookings = completed_bookings + 1, idle_since = app_now() WHERE id = :technician_id;

-- name: count_accepted
UPDATE technicians SET total_bookings = total_bookings + 1, idle_since = app_now() WHERE id = :technician_id;

-- name: count_cancelled
UPDATE technicians SET cancelled_bookings = cancelled_bookings + 1 WHERE id = :technician_id;

-- name: count_rating
UPDATE technicians SET rating_sum = rating_sum + :rating, rating_count = rating_count + 1 WHERE id = :technician_id;
