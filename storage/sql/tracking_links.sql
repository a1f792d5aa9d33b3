-- name: make
-- The generation that a link is signed with now: the same as long as it stands, the next one after it was revoked.
INSERT INTO tracking_links AS l (booking_id) VALUES (:booking_id)
ON CONFLICT (booking_id) DO UPDATE SET
  generation = l.generation + (l.revoked_at IS NOT NULL)::int, revoked_at = NULL
RETURNING generation;

-- name: revoke
UPDATE tracking_links SET revoked_at = app_now() WHERE booking_id = :booking_id AND revoked_at IS NULL;

-- name: follow
SELECT b.id AS booking_id, b.status, b.timezone, b.starts_at, b.ends_at, b.created_at, b.cancelled_at,
  l.generation, l.revoked_at IS NOT NULL AS is_revoked,
  s.technician_id, s.state, s.accepted_at, s.in_transit_at, s.arrived_at, s.started_at, s.completed_at
FROM tracking_links l
JOIN bookings b ON b.id = l.booking_id
LEFT JOIN assignments s ON s.booking_id = b.id AND s.state <> 'cancelled'
WHERE l.booking_id = :booking_id;
