-- part: mine
b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
  AND b.local_date BETWEEN :from_day AND :to_day

-- part: costs
-- What is billed: done, or cancelled with a fee.
(b.status = 'completed' OR b.status = 'cancelled' AND b.cancellation_fee_minor > 0)

-- part: amounts
coalesce(sum(CASE b.status WHEN 'cancelled' THEN b.cancellation_fee_minor ELSE b.subtotal_minor - b.savings_minor END), 0)::bigint
    AS net_minor,
  coalesce(sum(b.discount_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS discount_minor,
  coalesce(sum(b.tax_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS tax_minor,
  coalesce(sum(CASE b.status WHEN 'cancelled' THEN b.cancellation_fee_minor ELSE b.grand_total_minor END), 0)::bigint AS spent_minor,
  count(*) FILTER (WHERE b.status = 'completed')::int AS bookings

-- name: totals
SELECT {amounts} FROM bookings b WHERE {mine} AND {costs};

-- name: by_department
SELECT b.department_id, d.name AS department, {amounts}
FROM bookings b LEFT JOIN departments d ON d.id = b.department_id WHERE {mine} AND {costs}
GROUP BY 1, 2 ORDER BY spent_minor DESC, 1;

-- name: by_service
-- What each service came to, before tax and discount.
SELECT n.name AS service, count(DISTINCT b.id)::int AS bookings, sum(n.price_minor * n.quantity)::bigint AS amount_minor
FROM bookings b JOIN booking_items n ON n.booking_id = b.id WHERE {mine} AND b.status = 'completed'
GROUP BY 1 ORDER BY amount_minor DESC, 1 LIMIT 100;

-- name: by_month
SELECT date_trunc('month', b.local_date)::date AS month, {amounts} FROM bookings b WHERE {mine} AND {costs} GROUP BY 1 ORDER BY 1;

-- name: upcoming
SELECT count(*)::int AS bookings, coalesce(sum(b.grand_total_minor), 0)::bigint AS amount_minor
FROM bookings b WHERE b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
  AND b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress');

-- name: detailed
SELECT b.number, b.local_date, d.name AS department, trim(concat_ws(' ', m.first_name, m.last_name)) AS member,
  (SELECT string_agg(n.name, ', ' ORDER BY n.position) FROM booking_items n WHERE n.booking_id = b.id) AS services, b.status,
  x.net_minor, x.discount_minor, x.tax_minor, x.grand_total_minor, i.number AS invoice
FROM bookings b LEFT JOIN departments d ON d.id = b.department_id LEFT JOIN members m ON m.id = b.member_id
  LEFT JOIN invoices i ON i.id = b.invoice_id
  CROSS JOIN LATERAL (
    SELECT b.subtotal_minor - b.savings_minor AS net_minor, b.discount_minor, b.tax_minor, b.grand_total_minor
    WHERE b.status <> 'cancelled'
    UNION ALL
    SELECT b.cancellation_fee_minor, 0, 0, b.cancellation_fee_minor WHERE b.status = 'cancelled') x
WHERE {mine} AND (b.status <> 'cancelled' OR b.cancellation_fee_minor > 0) AND (b.local_date, b.id) > (:after_day::date, :after_id::uuid)
ORDER BY b.local_date, b.id LIMIT :most;

-- name: last_of
SELECT b.local_date AS day, b.id FROM bookings b WHERE b.number = :number;
