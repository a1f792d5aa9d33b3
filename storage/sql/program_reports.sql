-- name: publish
UPDATE programs SET published_at = CASE WHEN :is_public THEN coalesce(published_at, app_now()) END WHERE id = :id;

-- name: head
SELECT p.name AS organisation, g.name, g.description, g.kind,
  CASE WHEN g.ends_on < organisation_today(p.timezone) THEN 'ended' ELSE g.status END AS status, g.starts_on, g.ends_on, g.currency,
  g.budget_minor, g.used_minor AS committed_minor,
  (SELECT coalesce(sum(CASE b.status WHEN 'completed' THEN b.grand_total_minor ELSE b.cancellation_fee_minor END), 0)::bigint
   FROM bookings b WHERE b.program_id = g.id AND b.status IN ('completed', 'cancelled')) AS spent_minor,
  (SELECT count(*)::int FROM bulk_bookings k JOIN bulk_visits v ON v.bulk_id = k.id
   WHERE k.organisation_id = g.organisation_id AND k.program_id = g.id AND v.state = 'planned') AS planned,
  g.published_at
FROM programs g JOIN organisations o ON o.id = g.organisation_id JOIN parties p ON p.id = o.id
WHERE g.id = :id AND g.published_at IS NOT NULL AND o.status = 'active' AND p.deleted_at IS NULL;

-- name: work
SELECT i.name AS service, count(*) FILTER (WHERE b.status = 'completed')::int AS completed,
  count(*) FILTER (WHERE b.status NOT IN ('completed', 'cancelled', 'refunded'))::int AS open,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor,
  avg(b.rating)::float8 AS satisfaction
FROM bookings b JOIN LATERAL (SELECT name FROM booking_items WHERE booking_id = b.id ORDER BY position LIMIT 1) i ON true
WHERE b.program_id = :id GROUP BY i.name ORDER BY completed DESC, i.name LIMIT 100;

-- name: reach
SELECT m.segment, count(*)::int AS constituents,
  count(*) FILTER (WHERE EXISTS (SELECT FROM program_uses u WHERE u.program_id = g.id AND u.member_id = m.id AND u.state = 'used'))::int
    AS served
FROM programs g JOIN members m ON m.organisation_id = g.organisation_id
WHERE g.id = :id AND m.removed_at IS NULL AND m.segment IS NOT NULL
  AND (g.segments = '{}' OR lower(m.segment) = ANY(g.segments))
GROUP BY m.segment HAVING count(*) >= :least ORDER BY m.segment LIMIT 1000;
