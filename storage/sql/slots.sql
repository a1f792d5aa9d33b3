-- name: busy
-- What is reserved for some technicians in a span; holds that have run out no longer count.
SELECT id, technician_id, booking_id, preview_id, state, lower(during) AS starts_at, upper(during) AS ends_at
FROM slots
WHERE technician_id = ANY(:ids::uuid[]) AND upper(during) > :from_at AND lower(during) < :to_at
  AND (expires_at IS NULL OR expires_at > (SELECT app_now()));

-- name: drop_due
DELETE FROM slots WHERE expires_at <= app_now() AND technician_id = :technician_id AND upper(during) > :from_at AND lower(during) < :to_at;

-- name: sweep_due
DELETE FROM slots WHERE expires_at <= app_now() RETURNING technician_id;

-- name: taken
-- The same for one who looks for a free time: what this customer merely holds is not in their way.
SELECT s.technician_id, lower(s.during) AS starts_at, upper(s.during) AS ends_at
FROM slots s
WHERE s.technician_id = ANY((SELECT :ids::uuid[])::uuid[]) AND upper(s.during) > :from_at AND lower(s.during) < :to_at
  AND (s.expires_at IS NULL OR s.expires_at > (SELECT app_now()))
  AND NOT EXISTS (SELECT FROM checkout_previews p WHERE p.id = s.preview_id AND p.account_id = :account_id);

-- name: preview_to_booking
-- What a preview held becomes its booking's, whoever else could come or not.
UPDATE slots SET booking_id = :booking_id, preview_id = NULL, expires_at = NULL
WHERE preview_id = :preview_id AND upper(during) = :ends_at AND expires_at > app_now();

-- name: insert_if_free
-- No row: the exclusion has decided, or somebody else was first. What a preview held goes first: the new row may need its time.
WITH gone AS (DELETE FROM slots WHERE preview_id = :instead_of RETURNING id)
INSERT INTO slots (technician_id, technician_no, booking_id, preview_id, state, during, expires_at)
SELECT :technician_id, :technician_no, :booking_id, :preview_id, :state, tstzrange(:from_at, :to_at), :expires_at
FROM (SELECT count(*) FROM gone) AS first
ON CONFLICT DO NOTHING;

-- name: move_if_free
-- Whose time is free again when a booking's interval goes to another technician whose time is free, holds that ran out included. No row:
-- that time is not, or was taken this very moment, and the interval stays where it was: until we commit, whoever wants the time that we let
-- go waits for us.
WITH due AS (
  DELETE FROM slots WHERE expires_at <= app_now() AND technician_id = :technician_id AND upper(during) > :from_at AND lower(during) < :to_at
  RETURNING id
), gone AS (
  DELETE FROM slots WHERE booking_id = :booking_id AND NOT EXISTS (
    SELECT FROM slots s WHERE s.technician_id = :technician_id AND upper(s.during) > :from_at AND lower(s.during) < :to_at
      AND s.booking_id IS DISTINCT FROM :booking_id AND (s.expires_at IS NULL OR s.expires_at > (SELECT app_now())))
  RETURNING technician_id, technician_no, state, during
), moved AS (
  INSERT INTO slots (technician_id, technician_no, booking_id, state, during)
  SELECT :technician_id, :technician_no, :booking_id, :state, tstzrange(:from_at, :to_at)
  FROM gone, (SELECT count(*) FROM due) AS first
  ON CONFLICT DO NOTHING
  RETURNING id
), back AS (
  INSERT INTO slots (technician_id, technician_no, booking_id, state, during)
  SELECT technician_id, technician_no, :booking_id, state, during FROM gone WHERE NOT EXISTS (SELECT FROM moved)
)
SELECT technician_id FROM gone WHERE EXISTS (SELECT FROM moved);

-- name: drop_idle
-- What is in the way of a customer and need not be: holds that have run out, and their own.
DELETE FROM slots s
WHERE s.technician_id = :technician_id AND upper(s.during) > :from_at AND lower(s.during) < :to_at AND s.preview_id IS NOT NULL
  AND (s.expires_at <= (SELECT app_now())
    OR EXISTS (SELECT FROM checkout_previews p WHERE p.id = s.preview_id AND p.account_id = :account_id));

-- name: drop_holds
-- A customer holds one time at once: a new hold lets the former go.
DELETE FROM slots WHERE preview_id IN (SELECT id FROM checkout_previews WHERE account_id = :account_id);

-- name: place_booking
-- A booking has one slot: moving it to another technician, time or state is one statement, so the exclusion decides.
-- What its preview held goes first: the new row may need its time. Whose time it was, if anybody's.
WITH gone AS (DELETE FROM slots WHERE preview_id = :instead_of RETURNING id)
INSERT INTO slots (technician_id, technician_no, booking_id, state, during)
SELECT :technician_id, :technician_no, :booking_id, :state, tstzrange(:from_at, :to_at) FROM (SELECT count(*) FROM gone) AS first
ON CONFLICT (booking_id) DO UPDATE
SET technician_id = excluded.technician_id, technician_no = excluded.technician_no, state = excluded.state, during = excluded.during
RETURNING (SELECT technician_id FROM slots WHERE booking_id = :booking_id);

-- name: lock_held
-- Those that are still merely held for a booking, and that nobody else is moving just now.
SELECT id, technician_id, booking_id, preview_id, state, lower(during) AS starts_at, upper(during) AS ends_at
FROM slots WHERE id = ANY(:ids::uuid[]) AND state = 'held' AND booking_id IS NOT NULL
ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: set_state
UPDATE slots SET state = :state WHERE booking_id = :booking_id;

-- name: drop_booking
DELETE FROM slots WHERE booking_id = :booking_id RETURNING technician_id;

-- name: drop_held
-- Of these, those that are merely held: for a booking that has no technician yet, or for a preview.
DELETE FROM slots WHERE id = ANY(:ids::uuid[]) AND state = 'held';

-- name: accepted_then
-- The technician's first accepted job, other than this booking, that overlaps a span.
SELECT b.id AS booking_id, b.number, b.starts_at, b.ends_at FROM slots s JOIN bookings b ON b.id = s.booking_id
WHERE s.technician_id = :technician_id AND upper(s.during) > :from_at AND lower(s.during) < :to_at AND s.state = 'accepted' AND s.booking_id <> :booking_id
ORDER BY b.starts_at LIMIT 1;

-- name: blocked_technicians
SELECT technician_id FROM technician_blocks WHERE account_id = :account_id;
