-- part: mine
b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
  AND b.local_date BETWEEN :from_day AND :to_day

-- name: totals
SELECT coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor,
  coalesce(sum(b.subtotal_minor - b.savings_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS net_minor,
  coalesce(sum(b.discount_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS discount_minor,
  coalesce(sum(b.tax_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS tax_minor,
  count(*) FILTER (WHERE b.status = 'completed')::int AS bookings
FROM bookings b WHERE {mine};

-- name: by_department
SELECT b.department_id, d.name AS department,
  coalesce(sum(b.subtotal_minor - b.savings_minor), 0)::bigint AS net_minor, coalesce(sum(b.discount_minor), 0)::bigint AS discount_minor,
  coalesce(sum(b.tax_minor), 0)::bigint AS tax_minor, coalesce(sum(b.grand_total_minor), 0)::bigint AS spent_minor,
  count(*)::int AS bookings
FROM bookings b LEFT JOIN departments d ON d.id = b.department_id WHERE {mine} AND b.status = 'completed'
GROUP BY 1, 2 ORDER BY spent_minor DESC, 1;

-- name: by_service
-- What each service came to, before tax and discount.
SELECT n.name AS service, count(DISTINCT b.id)::int AS bookings, sum(n.price_minor * n.quantity)::bigint AS amount_minor
FROM bookings b JOIN booking_items n ON n.booking_id = b.id WHERE {mine} AND b.status = 'completed'
GROUP BY 1 ORDER BY amount_minor DESC, 1 LIMIT 100;

-- name: by_month
SELECT date_trunc('month', b.local_date)::date AS month, coalesce(sum(b.subtotal_minor - b.savings_minor), 0)::bigint AS net_minor,
  coalesce(sum(b.discount_minor), 0)::bigint AS discount_minor, coalesce(sum(b.tax_minor), 0)::bigint AS tax_minor,
  coalesce(sum(b.grand_total_minor), 0)::bigint AS spent_minor, count(*)::int AS bookings
FROM bookings b WHERE {mine} AND b.status = 'completed' GROUP BY 1 ORDER BY 1;

-- name: upcoming
SELECT count(*)::int AS bookings, coalesce(sum(b.grand_total_minor), 0)::bigint AS amount_minor
FROM bookings b WHERE b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
  AND b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress');

-- name: detailed
SELECT b.number, b.local_date, d.name AS department, trim(concat_ws(' ', m.first_name, m.last_name)) AS member,
  (SELECT string_agg(n.name, ', ' ORDER BY n.position) FROM booking_items n WHERE n.booking_id = b.id) AS services, b.status,
  b.subtotal_minor - b.savings_minor AS net_minor, b.discount_minor, b.tax_minor, b.grand_total_minor, i.number AS invoice
FROM bookings b LEFT JOIN departments d ON d.id = b.department_id LEFT JOIN members m ON m.id = b.member_id
  LEFT JOIN invoices i ON i.id = b.invoice_id
WHERE {mine} AND b.status <> 'cancelled' AND (b.local_date, b.id) > (:after_day::date, :after_id::uuid)
ORDER BY b.local_date, b.id LIMIT :most;

-- name: last_of
SELECT b.local_date AS day, b.id FROM bookings b WHERE b.number = :number;
