-- part: columns
b.id AS booking_id, b.number, b.status, b.local_date, b.local_time, b.starts_at, b.categories, b.address, b.priority,
  b.queued_at, b.queue_reason, b.round, b.attempt, b.next_action_at, b.created_at

-- part: source
bookings b

-- part: waiting
-- Who waits for a technician: in the manual queue or in the automatic search.
FROM bookings b
WHERE b.status IN ('pending', 'partner_assigned') AND b.next_action IS DISTINCT FROM 'release_unpaid'
