-- name: waiting
-- Who waits for a technician: in the manual queue or in the automatic search, by priority, then by age.
SELECT b.id AS booking_id, b.number, b.status, b.local_date, b.local_time, b.starts_at, b.categories, b.address, b.priority,
  b.queued_at, b.queue_reason, b.round, b.attempt, b.next_action_at, b.created_at
FROM bookings b
WHERE b.status IN ('pending', 'partner_assigned') AND (b.next_action IS DISTINCT FROM 'release_unpaid')
  AND (CASE :state::text
    WHEN 'queued' THEN b.queued_at IS NOT NULL
    WHEN 'pending' THEN b.status = 'pending'
    WHEN 'partner_assigned' THEN b.status = 'partner_assigned'
    ELSE b.queued_at IS NOT NULL OR b.status = 'pending' END)
  AND (:priority::int IS NULL OR b.priority = :priority)
ORDER BY b.priority DESC, coalesce(b.queued_at, b.created_at), b.id
LIMIT :limit OFFSET :offset;
