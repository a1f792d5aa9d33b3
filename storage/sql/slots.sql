-- name: busy
-- What is reserved for some technicians in a span; holds that have run out no longer count.
SELECT id, technician_id, booking_id, preview_id, state, lower(during) AS starts_at, upper(during) AS ends_at
FROM slots
WHERE technician_id = ANY(:ids::uuid[]) AND upper(during) > :from_at AND lower(during) < :to_at
  AND (expires_at IS NULL OR expires_at > app_now());

-- name: drop_due
DELETE FROM slots WHERE expires_at <= app_now() AND technician_id = :technician_id AND upper(during) > :from_at AND lower(during) < :to_at;

-- name: sweep_due
DELETE FROM slots WHERE expires_at <= app_now();

-- name: insert
INSERT INTO slots (technician_id, technician_no, booking_id, preview_id, state, during, expires_at)
VALUES (:technician_id, :technician_no, :booking_id, :preview_id, :state, tstzrange(:from_at, :to_at), :expires_at);

-- name: place_booking
-- A booking has one slot: moving it to another technician, time or state is one statement, so the exclusion decides.
INSERT INTO slots (technician_id, technician_no, booking_id, state, during)
VALUES (:technician_id, :technician_no, :booking_id, :state, tstzrange(:from_at, :to_at))
ON CONFLICT (booking_id) DO UPDATE
SET technician_id = excluded.technician_id, technician_no = excluded.technician_no, state = excluded.state, during = excluded.during;

-- name: preview_to_booking
UPDATE slots SET booking_id = :booking_id, preview_id = NULL, expires_at = NULL
WHERE preview_id = :preview_id AND upper(during) = :ends_at AND expires_at > app_now();

-- name: lock_held
-- Those that are still merely held for a booking, and that nobody else is moving just now.
SELECT id, technician_id, booking_id, preview_id, state, lower(during) AS starts_at, upper(during) AS ends_at
FROM slots WHERE id = ANY(:ids::uuid[]) AND state = 'held' AND booking_id IS NOT NULL
ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: set_state
UPDATE slots SET state = :state WHERE booking_id = :booking_id;

-- name: of_booking
SELECT id, technician_id, booking_id, preview_id, state, lower(during) AS starts_at, upper(during) AS ends_at
FROM slots WHERE booking_id = :booking_id;

-- name: drop_booking
DELETE FROM slots WHERE booking_id = :booking_id;

-- name: drop_preview
DELETE FROM slots WHERE preview_id = :preview_id;

-- name: blocked_technicians
SELECT technician_id FROM technician_blocks WHERE account_id = :account_id;
