-- part: columns
g.booking_id, b.number, b.status, CASE WHEN g.expires_at <= app_now() THEN 'expired' ELSE g.state END AS state,
  b.local_date, b.local_time, b.timezone, b.starts_at, b.ends_at, b.address, b.contact, b.lat, b.lng, b.payment_method, b.payment_status,
  b.grand_total_minor, b.wallet_minor, b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor, b.currency, coalesce(a.earning_minor, o.earning_minor) AS earning_minor, g.offer_id,
  CASE WHEN a.id IS NULL THEN o.expires_at END AS offer_expires_at, a.estimated_arrival, a.accepted_at, a.completed_at,
  b.start_code IS NOT NULL AS needs_start_code, b.rating, {is_mine} AS is_mine,
  (SELECT jsonb_agg(jsonb_build_object('service_id', i.service_id, 'name', i.name, 'category', i.category, 'tier', i.tier,
     'quantity', i.quantity, 'price_minor', i.price_minor) ORDER BY i.position)
   FROM booking_items i WHERE i.booking_id = b.id) AS items

-- part: source
-- Several technicians have a tie to one booking: also where rows are read by their bookings, only one's own are.
agenda g JOIN bookings b ON b.id = g.booking_id AND g.technician_id = :technician_id JOIN offers o ON o.id = g.offer_id LEFT JOIN assignments a ON a.id = g.assignment_id

-- part: is_mine
-- An open offer, or a job that was not given back.
coalesce(g.expires_at > app_now(), g.assignment_id IS NOT NULL AND g.state <> 'cancelled')

-- part: of_technician
FROM agenda g WHERE g.technician_id = :technician_id

-- part: ahead
-- Jobs until they are done, also those that take longer than was planned, and open offers.
FROM agenda g
WHERE g.technician_id = :technician_id AND g.state IN ('assigned', 'accepted', 'in_transit', 'arrived', 'in_progress')
  AND {is_mine}

-- name: get
SELECT {columns} FROM {source} WHERE g.technician_id = :technician_id AND g.booking_id = :booking_id;

-- name: stats
SELECT t.total_bookings, t.completed_bookings, t.cancelled_bookings, t.rating::float8 AS rating, t.is_available, greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at,
  (SELECT count(*) FROM offers o WHERE o.technician_id = t.id AND o.state = 'open' AND o.expires_at > app_now())
    + (SELECT count(*) FROM assignments a WHERE a.technician_id = t.id AND a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress'))
    AS pending_bookings,
  (SELECT count(*) FROM assignments a JOIN bookings b ON b.id = a.booking_id
    WHERE a.technician_id = t.id AND a.state <> 'cancelled' AND b.local_date = (app_now() AT TIME ZONE b.timezone)::date) AS today_bookings,
  p.name, p.code, p.phone, p.email, t.working_hours, t.onboarding_status, t.categories, t.tiers, t.service_radius_m
FROM technicians t JOIN parties p ON p.id = t.id WHERE t.id = :technician_id;
