-- name: open_bookings
-- What the board shows: everything that is not over, of a box, the most urgent first.
SELECT b.id, b.number, b.status, b.lat, b.lng, b.starts_at, b.priority,
  b.queued_at IS NOT NULL AND b.status = 'pending' AS is_queued, b.queue_reason,
  b.technician_id, a.state AS assignment_state, o.technician_id AS offered_to, o.expires_at AS offer_expires_at
FROM bookings b
LEFT JOIN assignments a ON a.booking_id = b.id AND a.state <> 'cancelled'
LEFT JOIN offers o ON o.booking_id = b.id AND o.state = 'open'
WHERE b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress')
  AND b.lat BETWEEN :south AND :north
  AND CASE WHEN :west::float8 <= :east::float8 THEN b.lng BETWEEN :west AND :east ELSE b.lng >= :west OR b.lng <= :east END
ORDER BY b.starts_at, b.id LIMIT :limit;

-- name: queue_length
SELECT count(*) FROM bookings WHERE queued_at IS NOT NULL AND status = 'pending';
