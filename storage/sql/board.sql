-- name: open_bookings
-- What the board shows: everything that is not over, of a box, the most urgent first.
SELECT b.id, b.number, b.status, b.lat, b.lng, b.starts_at, b.priority, b.categories, b.zone_id,
  b.queued_at IS NOT NULL AND b.status = 'pending' AS is_queued, b.queued_at, b.queue_reason, b.waits_for,
  CASE WHEN b.status = 'pending' AND b.next_action <> 'start' THEN b.next_action_at END AS next_look_at,
  b.technician_id, a.state AS assignment_state,
  o.technician_id AS offered_to, o.made_at AS offer_made_at, o.expires_at AS offer_expires_at
FROM bookings b
LEFT JOIN assignments a ON a.booking_id = b.id AND a.state <> 'cancelled'
LEFT JOIN offers o ON o.booking_id = b.id AND o.state = 'open'
WHERE b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress')
  AND b.lat BETWEEN :south AND :north
  AND CASE WHEN :west::float8 <= :east::float8 THEN b.lng BETWEEN :west AND :east ELSE b.lng >= :west OR b.lng <= :east END
ORDER BY b.starts_at, b.id LIMIT :limit;

-- name: queue_length
SELECT count(*) FROM bookings WHERE queued_at IS NOT NULL AND status = 'pending';

-- name: messages_of
-- What customer and technician were told of a booking, the newest first.
SELECT n.id, CASE WHEN n.account_id IS NULL THEN 'technician' ELSE 'customer' END AS reader, n.type, n.title, n.message,
  n.is_read, n.created_at
FROM notifications n WHERE n.booking_id = :booking_id ORDER BY n.created_at DESC, n.id LIMIT :limit;

-- name: trail_of
-- Where one technician was, oldest first; of many points every `step_s` seconds one.
SELECT DISTINCT ON (slot) h.technician_no, extract(epoch FROM h.at)::float8 AS at_s, h.lat, h.lng, h.heading_deg::float8 AS heading_deg,
  floor(extract(epoch FROM h.at) / :step_s::float8)::bigint AS slot
FROM position_history h JOIN technicians t ON t.no = h.technician_no
WHERE t.id = :technician_id AND h.at >= :from_at AND h.at < :to_at ORDER BY slot, h.at LIMIT :limit;

-- name: positions_between
-- Where everybody was, every `step_s` seconds once, in the order of technicians and time.
SELECT DISTINCT ON (h.technician_no, slot) h.technician_no, extract(epoch FROM h.at)::float8 AS at_s, h.lat, h.lng,
  h.heading_deg::float8 AS heading_deg, floor(extract(epoch FROM h.at) / :step_s::float8)::bigint AS slot
FROM position_history h
WHERE h.at >= :from_at AND h.at < :to_at AND h.lat BETWEEN :south AND :north
  AND CASE WHEN :west::float8 <= :east::float8 THEN h.lng BETWEEN :west AND :east ELSE h.lng >= :west OR h.lng <= :east END
ORDER BY h.technician_no, slot, h.at LIMIT :limit;

-- name: people
SELECT t.no, t.id, p.code, p.name FROM technicians t JOIN parties p ON p.id = t.id WHERE t.no = ANY(:numbers::bigint[]);

-- name: facts_between
-- What happened to bookings of an area that were not over before the span began, up to its end, oldest first.
SELECT b.id, b.number, b.lat, b.lng, b.starts_at, e.seq, e.type, e.at, e.data ->> 'technician_id' AS technician_id,
  e.data ->> 'expires_at' AS expires_at
FROM bookings b JOIN booking_events e ON e.booking_id = b.id AND e.at < :to_at AND e.type = ANY(:types::text[])
WHERE b.starts_at > :from_at::timestamptz - interval '2 days' AND b.created_at < :to_at AND b.lat BETWEEN :south AND :north
  AND CASE WHEN :west::float8 <= :east::float8 THEN b.lng BETWEEN :west AND :east ELSE b.lng >= :west OR b.lng <= :east END
  AND b.starts_at < :to_at::timestamptz + make_interval(days => :ahead_days::int)
  AND NOT EXISTS (
    SELECT FROM booking_events x WHERE x.booking_id = b.id AND x.at < :from_at
      AND x.type IN ('booking.completed', 'booking.cancelled', 'booking.refunded'))
ORDER BY e.at, b.id, e.seq LIMIT :limit;
