-- part: columns
b.id, b.number, b.system, b.status, b.payment_method, b.payment_status, b.local_date, b.local_time, b.timezone,
  b.starts_at, b.ends_at, b.currency, b.subtotal_minor, b.savings_minor, b.discount_minor, b.tax_minor,
  b.grand_total_minor, b.wallet_minor, b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor, b.address,
  b.contact, b.lat, b.lng, b.zone_id, b.organisation_id, b.priority, b.auto_assign, b.round, b.attempt, b.queued_at,
  b.queue_reason, b.start_code, b.rating, b.feedback, b.created_at, b.free_cancellation_s, b.cancellation_fee_pct, b.updated_at, b.cancelled_at, b.cancelled_by,
  b.cancellation_reason, b.cancellation_fee_minor, b.refund_minor, pc.code AS promo_code,
  a.id AS account_id, a.name AS account_name, a.phone AS account_phone, a.email AS account_email,
  p.id AS technician_id, p.code AS technician_code, p.name AS technician_name, p.phone AS technician_phone,
  t.rating::float8 AS technician_rating, CASE WHEN o.id IS NOT NULL THEN 'assigned' ELSE s.state END AS assignment_state,
  o.expires_at AS offer_expires_at, s.completed_at,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('service_id', i.service_id, 'name', i.name, 'category', i.category,
     'tier', i.tier, 'quantity', i.quantity, 'duration_minutes', i.duration_minutes,
     'list_price_minor', i.list_price_minor, 'price_minor', i.price_minor) ORDER BY i.position), '[]')
   FROM booking_items i WHERE i.booking_id = b.id) AS items

-- part: source
-- The technician of an open offer is shown as well: an assignment that is still to be accepted.
bookings b
JOIN accounts a ON a.id = b.account_id
LEFT JOIN promo_codes pc ON pc.id = b.promo_code_id
LEFT JOIN offers o ON o.booking_id = b.id AND o.state = 'open'
LEFT JOIN technicians t ON t.id = coalesce(b.technician_id, o.technician_id)
LEFT JOIN parties p ON p.id = t.id
LEFT JOIN assignments s ON s.booking_id = b.id AND s.state <> 'cancelled'

-- part: everybodys
FROM bookings b WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE b.id = :booking_id;
