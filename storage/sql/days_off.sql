-- name: page
SELECT day FROM technician_days_off WHERE technician_id = :technician_id AND day >= :from_day ORDER BY day;

-- name: lock
-- The technician's row, so that nobody accepts a job while a day is taken off; touched, so that every node reads it again.
UPDATE technicians SET working_hours = working_hours WHERE id = :technician_id RETURNING working_hours, zone_id;

-- name: add
INSERT INTO technician_days_off (technician_id, day) VALUES (:technician_id, :day) ON CONFLICT DO NOTHING;

-- name: remove
DELETE FROM technician_days_off WHERE technician_id = :technician_id AND day = :day;

-- name: jobs_around
-- Accepted jobs that start on a day or right before or after it, by the clocks of their places.
SELECT b.id, b.number, b.starts_at, b.ends_at, b.timezone
FROM assignments a JOIN bookings b ON b.id = a.booking_id
WHERE a.technician_id = :technician_id AND a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress')
  AND (b.starts_at AT TIME ZONE b.timezone)::date BETWEEN :day::date - 1 AND :day::date + 1
ORDER BY b.starts_at;
