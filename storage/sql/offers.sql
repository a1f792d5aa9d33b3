-- name: make
INSERT INTO offers (booking_id, technician_id, round, attempt, score, distance_m, earning_minor, currency, expires_at, made_by)
VALUES (:booking_id, :technician_id, :round, :attempt, :score, :distance_m, :earning_minor, :currency, :expires_at, :made_by)
RETURNING id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason;

-- name: get
SELECT id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason
FROM offers WHERE id = :offer_id;

-- name: latest_for
-- The technician's newest offer on a booking: what "accept this booking" means.
SELECT id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason
FROM offers WHERE booking_id = :booking_id AND technician_id = :technician_id ORDER BY made_at DESC, round DESC LIMIT 1;

-- name: open_of_booking
SELECT id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason
FROM offers WHERE booking_id = :booking_id AND state = 'open';

-- name: open_of_technician
SELECT id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason
FROM offers WHERE technician_id = :technician_id AND state = 'open' AND expires_at > app_now();

-- name: accept
-- No row: it was answered, withdrawn, belongs to somebody else, or its time is over by the database's clock.
UPDATE offers SET state = :target, answered_at = app_now()
WHERE id = :offer_id AND technician_id = :technician_id AND state = ANY(:sources) AND expires_at > app_now()
RETURNING id, booking_id, technician_id, round, attempt, state, score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason;

-- name: close
UPDATE offers SET state = :target, answered_at = app_now(), reason = :reason
WHERE id = :offer_id AND state = ANY(:sources);

-- name: tried
-- Whom this booking must not be offered to again: everyone of this round, and whoever gave the job back.
SELECT technician_id FROM offers WHERE booking_id = :booking_id AND round = :round
UNION
SELECT technician_id FROM assignments WHERE booking_id = :booking_id AND state = 'cancelled';

-- name: with_open
SELECT technician_id FROM offers WHERE technician_id = ANY(:ids::uuid[]) AND state = 'open';

-- name: assign
INSERT INTO assignments (booking_id, offer_id, technician_id, payee_id, technician_share_pct, platform_share_pct, earning_minor)
VALUES (:booking_id, :offer_id, :technician_id, :payee_id, :technician_share_pct::numeric, 100 - :technician_share_pct::numeric, :earning_minor)
RETURNING id;

-- name: assignment
-- The live or finished assignment of a booking.
SELECT id, booking_id, offer_id, technician_id, state, payee_id, technician_share_pct::float8 AS technician_share_pct, earning_minor,
  accepted_at, in_transit_at, arrived_at, started_at, completed_at, estimated_arrival, start_code_tries
FROM assignments WHERE booking_id = :booking_id AND state <> 'cancelled';

-- name: count_start_code
-- A wrong start code; how many there were.
UPDATE assignments SET start_code_tries = start_code_tries + 1 WHERE id = :assignment_id RETURNING start_code_tries;

-- name: step
UPDATE assignments SET state = :target,
  in_transit_at = CASE WHEN :target = 'in_transit' THEN coalesce(in_transit_at, app_now()) ELSE in_transit_at END,
  -- On the way again, an arrival has not been one.
  arrived_at = CASE :target WHEN 'arrived' THEN app_now() WHEN 'in_transit' THEN NULL ELSE arrived_at END,
  started_at = CASE WHEN :target = 'in_progress' THEN app_now() ELSE started_at END,
  completed_at = CASE WHEN :target = 'completed' THEN coalesce(:at, app_now()) ELSE completed_at END,
  estimated_arrival = coalesce(:estimated_arrival, estimated_arrival)
WHERE id = :assignment_id AND state = ANY(:sources);

-- name: cancel_assignment
UPDATE assignments SET state = :target, cancelled_at = app_now(), cancelled_by = :cancelled_by, cancellation_reason = :reason
WHERE id = :assignment_id AND state = ANY(:sources);

-- name: open_jobs
-- Accepted jobs that are not over, for the tracker after a start.
SELECT a.id AS assignment_id, a.booking_id, a.technician_id, a.state, b.account_id, b.lat, b.lng, b.starts_at
FROM assignments a JOIN bookings b ON b.id = a.booking_id
WHERE a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress') AND (:booking_id::uuid IS NULL OR a.booking_id = :booking_id);
