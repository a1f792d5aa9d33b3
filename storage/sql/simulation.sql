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

-- name: left_waiting
-- Bookings in the queue for a reason that has passed: somebody whom their last look found refused by nothing but a transient
-- reason is free now, and it is not due to look again.
SELECT DISTINCT b.id, b.number
FROM bookings b
JOIN LATERAL (SELECT max(a.id) AS id FROM match_attempts a WHERE a.booking_id = b.id) look ON true
JOIN match_candidates c ON c.attempt_id = look.id AND c.reason IN ('offline', 'stale_fix', 'no_position', 'busy_then', 'offer_open')
JOIN technicians t ON t.id = c.technician_id AND t.is_active AND t.onboarding_status = 'verified' AND t.is_available
  AND b.categories <@ t.categories AND b.tiers <@ t.tiers
LEFT JOIN technician_positions p ON p.technician_id = t.id
CROSS JOIN LATERAL (SELECT b.starts_at < app_now() + make_interval(secs => :live_horizon_s::float8) AS is_live) AS job
WHERE b.id = ANY(:ids::uuid[]) AND b.status = 'pending' AND b.queued_at IS NOT NULL AND b.waits_for <> '{}'
  AND b.starts_at > app_now() + interval '2 minutes' AND b.next_action_at > app_now()
  AND (NOT job.is_live OR p.fix_at > app_now() - make_interval(secs => :fresh_fix_s::float8))
  AND (SELECT count(*) FROM offers o WHERE o.technician_id = t.id AND o.state = 'open') < CASE WHEN job.is_live THEN 1 ELSE :places::int END
  AND NOT EXISTS (SELECT FROM offers o WHERE o.technician_id = t.id AND o.booking_id = b.id AND o.round = b.round)
  AND NOT EXISTS (SELECT FROM assignments s WHERE s.technician_id = t.id AND s.booking_id = b.id)
  AND NOT EXISTS (SELECT FROM slots s WHERE s.technician_id = t.id AND (s.state <> 'held' OR s.booking_id IS NULL)
    AND upper(s.during) > b.starts_at - interval '1 hour' AND lower(s.during) < b.ends_at);

-- name: news
-- How things stand now: open offers, bookings by state, and the price of the jobs of a day that are done.
SELECT
  (SELECT count(*)::int FROM offers WHERE state = 'open') AS open_offers,
  (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (SELECT status, count(*)::int AS n FROM bookings GROUP BY status) AS states)
    AS bookings,
  (SELECT coalesce(sum(grand_total_minor), 0)::bigint FROM bookings
   WHERE currency = :currency AND status = 'completed' AND starts_at >= :since) AS done_minor;
