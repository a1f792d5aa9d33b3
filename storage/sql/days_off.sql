-- name: page
SELECT day FROM technician_days_off WHERE technician_id = :technician_id AND day >= :from_day ORDER BY day;

-- name: lock
-- The technician's row, so that nobody is given a job while a day is taken off: whoever reserves time of theirs has to refer to it. It
-- is touched, so that every node reads it again.
WITH locked AS (SELECT id FROM technicians WHERE id = :technician_id FOR UPDATE)
UPDATE technicians t SET working_hours = t.working_hours FROM locked l WHERE t.id = l.id RETURNING t.working_hours, t.zone_id;

-- name: add
INSERT INTO technician_days_off (technician_id, day) VALUES (:technician_id, :day) ON CONFLICT DO NOTHING;

-- name: remove
DELETE FROM technician_days_off WHERE technician_id = :technician_id AND day = :day;

-- name: keep
-- That a technician works until we commit: whoever takes a day off waits for us, or we for them.
SELECT id FROM technicians WHERE id = :technician_id FOR KEY SHARE;

-- name: any_of
-- Whether one of these days is taken off. Asked after `keep`, or after time was reserved, it stays so.
SELECT EXISTS (SELECT FROM technician_days_off WHERE technician_id = :technician_id AND day = ANY(:days::date[]));

-- name: jobs_around
-- Accepted jobs that start on a day or right before or after it, by the clocks of their places.
SELECT b.id, b.number, b.starts_at, b.ends_at, b.timezone
FROM assignments a JOIN bookings b ON b.id = a.booking_id
WHERE a.technician_id = :technician_id AND a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress')
  AND (b.starts_at AT TIME ZONE b.timezone)::date BETWEEN :day::date - 1 AND :day::date + 1
ORDER BY b.starts_at;
