-- name: counts
SELECT (SELECT count(*) FROM zones WHERE is_active) AS zones,
       (SELECT count(*) FROM technicians) AS technicians,
       (SELECT count(*) FROM bookings WHERE next_action_at < app_now() - interval '1 minute') AS overdue;
