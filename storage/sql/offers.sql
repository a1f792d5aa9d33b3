-- part: columns
id, booking_id, technician_id, round, attempt, state, score::numeric::float8 AS score, distance_m, earning_minor, currency, made_at, expires_at, answered_at, reason;

-- part: making
INSERT INTO offers (booking_id, technician_id, place, round, attempt, score, distance_m, earning_minor, technician_share_pct, currency, expires_at, made_by)
SELECT :booking_id, :technician_id, p, :round, :attempt, :score, :distance_m, :earning_minor, :technician_share_pct::numeric, :currency, :expires_at, :made_by
FROM unnest(:places::int[]) AS p
WHERE NOT EXISTS (SELECT FROM offers WHERE technician_id = :technician_id AND state = 'open' AND place = p)
  AND (SELECT count(*) FROM offers WHERE technician_id = :technician_id AND state = 'open') < :most::int
  AND EXISTS (SELECT FROM technicians WHERE id = :technician_id AND is_active AND onboarding_status = 'verified')
  AND NOT EXISTS (SELECT FROM technician_days_off WHERE technician_id = :technician_id AND day = ANY(:days::date[]))
ORDER BY p DESC LIMIT 1;

-- name: make
-- In the highest of these places of the technician that is free, so that the first stays free for a job that starts soon.
-- No row: all are taken, or as many as anybody may hold (`most`: fewer than the places that were given before it was
-- lowered), or the technician does not work any more, or has taken off one of the `days`: their time was reserved before,
-- so who takes one off has done so by now, or waits for us. Whoever takes the same place at the same time breaks the unique index.
{making}
RETURNING {columns};

-- name: make_if_free
-- The same, for a booking that nobody was asked for yet. No row also where somebody takes the place at the same time.
{making}
ON CONFLICT DO NOTHING
RETURNING {columns};

-- name: get
SELECT {columns} FROM offers WHERE id = :offer_id;

-- name: latest_for
-- The technician's newest offer on a booking: what "accept this booking" means.
SELECT {columns} FROM offers WHERE booking_id = :booking_id AND technician_id = :technician_id
ORDER BY made_at DESC, round DESC LIMIT 1;

-- name: lock_named
-- The technician's own offer, by its id or as their newest of a booking; the booking's row is locked first. What it says of
-- the state is as old as the wait for that lock: only the conditional UPDATE that follows knows.
WITH named AS (
  SELECT id, booking_id FROM offers
  WHERE technician_id = :technician_id AND id = :offer_id
  UNION ALL
  (SELECT id, booking_id FROM offers
   WHERE technician_id = :technician_id AND booking_id = :booking_id AND :offer_id::uuid IS NULL
   ORDER BY made_at DESC, round DESC LIMIT 1)
), locked AS (
  SELECT id FROM bookings WHERE id = (SELECT booking_id FROM named) FOR UPDATE
)
SELECT {columns} FROM offers WHERE id = (SELECT id FROM named) AND booking_id = (SELECT id FROM locked);

-- name: open_of_booking
SELECT {columns}
FROM offers WHERE booking_id = :booking_id AND state = 'open';

-- name: accept
-- First accept wins: the offer is taken and becomes the tie, or neither. No row: it was answered, withdrawn, belongs to
-- somebody else, or its time is over by the database's clock. The share is that of what was offered; `technician_share_pct` is for
-- an offer that does not say it.
WITH won AS (
  UPDATE offers SET state = :target, answered_at = app_now()
  WHERE id = :offer_id AND technician_id = :technician_id AND state = ANY(:sources) AND expires_at > app_now()
  RETURNING id, booking_id, technician_id, earning_minor, coalesce(technician_share_pct, :technician_share_pct::numeric) AS share_pct
)
INSERT INTO assignments (booking_id, offer_id, technician_id, payee_id, technician_share_pct, platform_share_pct, earning_minor)
SELECT booking_id, id, technician_id, :payee_id, share_pct, 100 - share_pct, earning_minor
FROM won
RETURNING id;

-- name: close
UPDATE offers SET state = :target, answered_at = app_now(), reason = :reason, attempt = CASE WHEN :keeps_attempt THEN attempt END
WHERE id = :offer_id AND state = ANY(:sources) AND (:is_due OR expires_at > app_now());

-- name: open_of
-- The technician's open offers, the newest first.
SELECT {columns} FROM offers WHERE technician_id = :technician_id AND state = 'open' ORDER BY made_at DESC, id;

-- name: held_by
-- The bookings of which these technicians hold the open offer.
SELECT booking_id FROM offers WHERE technician_id = ANY(:ids::uuid[]) AND state = 'open' ORDER BY booking_id;

-- name: lock_people
-- A technician, and who holds the interval of a booking, in one order: two who exchange them wait for each other's turn.
SELECT id AS technician_id FROM technicians
WHERE id = :technician_id OR id IN (SELECT technician_id FROM slots WHERE booking_id = :booking_id)
ORDER BY id FOR NO KEY UPDATE;

-- name: standing
-- Whether a technician may work at all, and for this customer; no row: there is none.
SELECT t.is_active AND p.deleted_at IS NULL AS is_active, t.onboarding_status = 'verified' AS is_verified,
  EXISTS (SELECT FROM technician_blocks k WHERE k.technician_id = t.id AND k.account_id = :account_id) AS is_blocked
FROM technicians t JOIN parties p ON p.id = t.id WHERE t.id = :technician_id;

-- name: assignment
-- The live or finished assignment of a booking.
SELECT id, booking_id, offer_id, technician_id, state, payee_id, technician_share_pct::float8 AS technician_share_pct, earning_minor,
  accepted_at, in_transit_at, arrived_at, started_at, completed_at, estimated_arrival, start_code_tries
FROM assignments WHERE booking_id = :booking_id AND state <> 'cancelled';

-- name: ended_by
-- Who ended the tie that came of this offer.
SELECT cancelled_by FROM assignments WHERE offer_id = :offer_id;

-- name: count_start_code
-- A wrong start code; how many there were.
UPDATE assignments SET start_code_tries = start_code_tries + 1 WHERE id = :assignment_id RETURNING start_code_tries;

-- name: step
UPDATE assignments SET state = :target,
  in_transit_at = CASE WHEN :target = 'in_transit' THEN coalesce(in_transit_at, app_now()) WHEN in_transit_at > :at THEN :at ELSE in_transit_at END,
  -- On the way again, an arrival has not been one. What was done by a time that is told later was begun by then.
  arrived_at = CASE WHEN :target = 'arrived' THEN app_now() WHEN :target = 'in_transit' THEN NULL WHEN arrived_at > :at THEN :at ELSE arrived_at END,
  started_at = CASE WHEN :target = 'in_progress' THEN app_now() WHEN started_at > :at THEN :at ELSE started_at END,
  completed_at = CASE WHEN :target = 'completed' THEN coalesce(:at, app_now()) ELSE completed_at END,
  estimated_arrival = coalesce(:estimated_arrival, estimated_arrival)
WHERE id = :assignment_id AND state = ANY(:sources);

-- name: cancel_assignment
UPDATE assignments SET state = :target, cancelled_at = app_now(), cancelled_by = :cancelled_by, cancellation_reason = :reason
WHERE id = :assignment_id AND state = ANY(:sources);

-- name: open_jobs
-- Accepted jobs that are not over, for the tracker after a start.
SELECT a.id AS assignment_id, a.booking_id, a.technician_id, a.state, b.account_id, b.lat, b.lng, b.starts_at,
  b.ends_at, b.is_approximate
FROM assignments a JOIN bookings b ON b.id = a.booking_id
WHERE a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress') AND (:booking_id::uuid IS NULL OR a.booking_id = :booking_id);
