-- A visit that is a booking is when its booking is: somebody may have moved it.
CREATE OR REPLACE VIEW organisation_bookings AS
SELECT l.id, b.organisation_id, b.department_id, b.member_id, b.id AS bulk_id, l.number, b.type, b.title AS service, b.category,
  l.name AS location, b.status, b.schedule ->> 'frequency' AS frequency, b.currency, b.list_minor AS per_booking_minor,
  b.created_at, v.first_on, v.last_on, v.next_on, v.next_time, b.timezone, v.visits, v.done,
  v.done * b.price_minor AS paid_minor, (v.visits - v.done) * b.price_minor AS remaining_minor
FROM bulk_bookings b JOIN bulk_locations l ON l.bulk_id = b.id CROSS JOIN LATERAL (
  SELECT min(on_date) AS first_on, max(on_date) AS last_on,
    count(*) FILTER (WHERE state NOT IN ('skipped', 'cancelled', 'failed'))::int AS visits,
    count(*) FILTER (WHERE state = 'done')::int AS done,
    (array_agg(on_date ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_on,
    (array_agg(at_time ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_time
  FROM (
    SELECT x.state, coalesce(k.local_date, x.on_date) AS on_date, coalesce(k.local_time, x.at_time) AS at_time
    FROM bulk_visits x LEFT JOIN bookings k ON k.id = x.booking_id WHERE x.location_id = l.id) m) v
UNION ALL
SELECT k.id, k.organisation_id, k.department_id, k.member_id, NULL, k.number, 'one_time', i.name, k.categories[1],
  coalesce(k.address ->> 'name', k.address ->> 'address_line1'),
  CASE WHEN k.next_action = 'release_unapproved' THEN 'pending_approval' ELSE k.status END, 'once', k.currency, k.subtotal_minor, k.created_at,
  k.local_date, k.local_date, CASE WHEN k.status IN ('pending', 'partner_assigned', 'confirmed') THEN k.local_date END,
  k.local_time, k.timezone, 1, (k.status = 'completed')::int,
  CASE WHEN k.status = 'completed' THEN k.subtotal_minor - k.savings_minor - k.discount_minor ELSE 0 END,
  CASE WHEN k.status IN ('completed', 'cancelled', 'refunded') THEN 0 ELSE k.subtotal_minor - k.savings_minor - k.discount_minor END
FROM bookings k CROSS JOIN LATERAL (SELECT name FROM booking_items WHERE booking_id = k.id ORDER BY id LIMIT 1) i
WHERE k.organisation_id IS NOT NULL AND NOT EXISTS (SELECT FROM bulk_visits v WHERE v.booking_id = k.id);
