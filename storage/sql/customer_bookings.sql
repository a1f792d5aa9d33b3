-- part: columns
b.id, b.number, b.status, b.payment_method, b.payment_status, b.local_date, b.local_time, b.timezone, b.starts_at,
  b.currency, b.subtotal_minor, b.savings_minor, b.discount_minor, b.tax_minor, b.grand_total_minor, b.wallet_minor,
  b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor, b.address,
  b.contact, b.start_code, b.rating, b.feedback, b.created_at, b.free_cancellation_s, b.cancellation_fee_pct, b.cancelled_at, b.cancelled_by, b.cancellation_reason,
  b.cancellation_fee_minor, b.refund_minor,
  p.id AS technician_id, p.name AS technician_name, p.phone AS technician_phone, t.rating::float8 AS technician_rating,
  s.state AS assignment_state, s.completed_at,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('service_id', i.service_id, 'name', i.name, 'category', i.category,
     'tier', i.tier, 'quantity', i.quantity, 'duration_minutes', i.duration_minutes,
     'list_price_minor', i.list_price_minor, 'price_minor', i.price_minor) ORDER BY i.position), '[]')
   FROM booking_items i WHERE i.booking_id = b.id) AS items

-- part: source
-- The technician appears with the acceptance.
bookings b
LEFT JOIN technicians t ON t.id = b.technician_id
LEFT JOIN parties p ON p.id = b.technician_id
LEFT JOIN assignments s ON s.booking_id = b.id AND s.state <> 'cancelled'

-- part: of_account
FROM bookings b WHERE b.account_id = :account_id

-- name: get
SELECT {columns} FROM {source} WHERE b.account_id = :account_id AND b.id = :booking_id;
