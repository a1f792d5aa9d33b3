-- name: page
-- What a technician sees: open offers and own jobs, each booking once (the newest tie counts).
SELECT v.booking_id, b.number, b.status, v.state, b.local_date, b.local_time, b.starts_at, b.ends_at, b.address, b.contact, b.lat, b.lng,
  b.payment_method, b.payment_status, b.grand_total_minor, b.wallet_minor, b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor, b.currency, v.earning_minor, v.offer_id, v.offer_expires_at,
  v.estimated_arrival, v.accepted_at, v.completed_at, b.start_code IS NOT NULL AS needs_start_code, b.rating, v.is_mine
FROM (
  SELECT DISTINCT ON (booking_id) * FROM (
    SELECT a.booking_id, a.state, a.earning_minor, a.offer_id, NULL::timestamptz AS offer_expires_at, a.estimated_arrival,
      a.accepted_at, a.completed_at, a.state <> 'cancelled' AS is_mine, a.accepted_at AS since
    FROM assignments a WHERE a.technician_id = :technician_id
    UNION ALL
    SELECT o.booking_id, CASE WHEN o.state <> 'open' THEN o.state WHEN o.expires_at > app_now() THEN 'assigned' ELSE 'expired' END, o.earning_minor, o.id, o.expires_at, NULL, NULL, NULL,
      o.state = 'open' AND o.expires_at > app_now(), o.made_at
    FROM offers o WHERE o.technician_id = :technician_id AND o.state <> 'accepted'
  ) ties ORDER BY booking_id, since DESC
) v JOIN bookings b ON b.id = v.booking_id
WHERE (:state::text IS NULL OR v.state = :state OR (v.is_mine AND b.status = :state))
  AND (:day::date IS NULL OR b.local_date = :day)
  AND (:booking_id::uuid IS NULL OR b.id = :booking_id)
  AND (:upcoming::boolean IS NOT TRUE OR (v.is_mine AND v.state <> 'completed' AND b.ends_at >= app_now()))
ORDER BY CASE WHEN :upcoming THEN b.starts_at END, b.starts_at DESC, b.id
LIMIT :limit OFFSET :offset;

-- name: count
SELECT count(*) FROM (
  SELECT DISTINCT ON (booking_id) * FROM (
    SELECT a.booking_id, a.state, a.state <> 'cancelled' AS is_mine, a.accepted_at AS since FROM assignments a WHERE a.technician_id = :technician_id
    UNION ALL
    SELECT o.booking_id, CASE WHEN o.state <> 'open' THEN o.state WHEN o.expires_at > app_now() THEN 'assigned' ELSE 'expired' END, o.state = 'open' AND o.expires_at > app_now(), o.made_at
    FROM offers o WHERE o.technician_id = :technician_id AND o.state <> 'accepted'
  ) ties ORDER BY booking_id, since DESC
) v JOIN bookings b ON b.id = v.booking_id
WHERE (:state::text IS NULL OR v.state = :state OR (v.is_mine AND b.status = :state)) AND (:day::date IS NULL OR b.local_date = :day);

-- name: items
SELECT booking_id, service_id, name, category, tier, quantity, price_minor FROM booking_items
WHERE booking_id = ANY(:booking_ids::uuid[]) ORDER BY booking_id, position;

-- name: stats
SELECT t.total_bookings, t.completed_bookings, t.cancelled_bookings, t.rating::float8 AS rating, t.is_available, greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at,
  (SELECT count(*) FROM offers o WHERE o.technician_id = t.id AND o.state = 'open' AND o.expires_at > app_now())
    + (SELECT count(*) FROM assignments a WHERE a.technician_id = t.id AND a.state IN ('accepted', 'in_transit', 'arrived', 'in_progress'))
    AS pending_bookings,
  (SELECT count(*) FROM assignments a JOIN bookings b ON b.id = a.booking_id
    WHERE a.technician_id = t.id AND a.state <> 'cancelled' AND b.local_date = (app_now() AT TIME ZONE b.timezone)::date) AS today_bookings,
  p.name, p.code, p.phone, p.email, t.working_hours, t.onboarding_status, t.categories, t.tiers, t.service_radius_m
FROM technicians t JOIN parties p ON p.id = t.id WHERE t.id = :technician_id;
