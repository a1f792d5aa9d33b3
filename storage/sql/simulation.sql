-- What the report of a simulation reads at its end.

-- name: bookings
SELECT b.id, b.status, b.event_seq, b.queued_at IS NOT NULL AND b.status = 'pending' AS is_queued,
  extract(epoch FROM (SELECT min(e.at) FROM booking_events e WHERE e.booking_id = b.id AND e.type = 'partner.accepted') - b.created_at)::float8
    AS assigned_after_s,
  EXISTS (SELECT FROM booking_events e WHERE e.booking_id = b.id AND e.type = 'partner.arrived' AND e.actor_kind = 'system')
    AS is_arrival_detected
FROM bookings b WHERE b.id = ANY(:ids::uuid[]);

-- name: offers
SELECT state, count(*)::int AS count FROM offers WHERE booking_id = ANY(:ids::uuid[]) GROUP BY state ORDER BY state;

-- name: technician_heads
SELECT id, event_seq AS seq FROM parties WHERE id = ANY(:ids::uuid[]);
