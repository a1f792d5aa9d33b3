-- part: mine
b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
  AND b.local_date BETWEEN :from_day AND :to_day AND b.status <> 'cancelled'

-- name: overview
SELECT count(*)::int AS bookings, count(DISTINCT b.member_id)::int AS users, avg(b.rating)::float8 AS rating
FROM bookings b WHERE {mine};

-- name: by_department
SELECT d.id, d.name AS department,
  (SELECT count(*) FROM members m WHERE m.department_id = d.id AND m.removed_at IS NULL)::int AS users,
  count(DISTINCT b.member_id)::int AS active_users, count(b.id)::int AS bookings,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor,
  (SELECT n.name FROM bookings t JOIN booking_items n ON n.booking_id = t.id WHERE t.department_id = d.id
     AND t.local_date BETWEEN :from_day AND :to_day AND t.status <> 'cancelled'
   GROUP BY n.name ORDER BY count(*) DESC, n.name LIMIT 1) AS top_service
FROM departments d LEFT JOIN bookings b ON b.department_id = d.id AND {mine}
WHERE d.organisation_id = :organisation_id AND d.deleted_at IS NULL AND (:within::uuid IS NULL OR d.id = :within)
GROUP BY d.id, d.name ORDER BY bookings DESC, d.name;

-- name: by_service
SELECT n.name AS service, count(DISTINCT b.id)::int AS bookings, count(DISTINCT coalesce(b.member_id, b.account_id))::int AS users,
  round(avg(b.rating), 1)::float8 AS satisfaction,
  (SELECT count(*) FROM (SELECT 1 FROM bookings r JOIN booking_items i ON i.booking_id = r.id
     WHERE r.organisation_id = :organisation_id AND r.local_date BETWEEN :from_day AND :to_day AND r.status <> 'cancelled'
       AND (:within::uuid IS NULL OR r.department_id = :within) AND i.name = n.name
     GROUP BY coalesce(r.member_id, r.account_id) HAVING count(DISTINCT r.id) > 1) again)::int AS again
FROM bookings b JOIN booking_items n ON n.booking_id = b.id WHERE {mine} GROUP BY 1 ORDER BY bookings DESC, 1 LIMIT 100;

-- name: by_user
SELECT m.id, trim(concat_ws(' ', m.first_name, m.last_name)) AS name, count(b.id)::int AS bookings,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor
FROM bookings b JOIN members m ON m.id = b.member_id WHERE {mine} GROUP BY m.id ORDER BY bookings DESC, m.id LIMIT 500;

-- name: by_location
SELECT coalesce(b.address ->> 'address_line1', b.address ->> 'city', '-') AS location, count(*)::int AS bookings,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor
FROM bookings b WHERE {mine} GROUP BY 1 ORDER BY bookings DESC, 1 LIMIT 500;

-- name: by_day
SELECT b.local_date AS day, count(*)::int AS bookings, count(DISTINCT coalesce(b.member_id, b.account_id))::int AS users
FROM bookings b WHERE {mine} GROUP BY 1 ORDER BY 1;

-- name: stars
SELECT b.rating AS stars, count(*)::int AS count FROM bookings b WHERE {mine} AND b.rating IS NOT NULL GROUP BY 1 ORDER BY 1 DESC;

-- name: providers
-- How those who worked for the organisation did: a provider with a team, or a technician of their own. What was done counts for whom
-- they worked for then.
WITH jobs AS (
  SELECT b.id, b.status, b.rating, b.starts_at, b.categories, b.discount_minor, b.subtotal_minor - b.savings_minor AS net_minor,
    coalesce(a.payee_id, t.provider_id, t.id) AS who, o.answered_at - o.made_at AS took, a.arrived_at
  FROM bookings b JOIN technicians t ON t.id = b.technician_id
    LEFT JOIN assignments a ON a.booking_id = b.id AND a.technician_id = t.id AND a.state <> 'cancelled'
    LEFT JOIN offers o ON o.id = a.offer_id
  WHERE b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within)
)
SELECT p.id, p.name, (SELECT array_agg(DISTINCT c) FROM jobs s, unnest(s.categories) AS c WHERE s.who = p.id) AS services,
  count(*)::int AS bookings, count(*) FILTER (WHERE j.status = 'completed')::int AS completed,
  count(*) FILTER (WHERE j.status IN ('completed', 'cancelled'))::int AS ended, avg(j.rating)::float8 AS rating,
  avg(extract(epoch FROM j.took))::float8 AS response_s,
  count(*) FILTER (WHERE j.arrived_at <= j.starts_at + interval '10 minutes')::int AS on_time,
  count(*) FILTER (WHERE j.arrived_at IS NOT NULL)::int AS arrived,
  coalesce(sum(j.discount_minor) FILTER (WHERE j.status = 'completed'), 0)::bigint AS saved_minor,
  coalesce(sum(j.net_minor) FILTER (WHERE j.status = 'completed'), 0)::bigint AS would_minor,
  (SELECT count(*) FROM support_tickets k JOIN jobs s ON s.id = k.booking_id
   WHERE s.who = p.id AND k.category = 'service')::int AS complaints,
  (SELECT count(*) FROM support_tickets k JOIN jobs s ON s.id = k.booking_id
   WHERE s.who = p.id AND k.category = 'service' AND k.resolved_at IS NOT NULL)::int AS resolved
FROM jobs j JOIN parties p ON p.id = j.who GROUP BY p.id, p.name ORDER BY bookings DESC, p.id LIMIT 200;

-- name: custom
-- Any of the metrics by any of the dimensions: one that is not asked for is the same for every row.
SELECT g.department, g.service_type, g.provider, g.location, g.month, g.member, count(DISTINCT g.id)::int AS bookings,
  coalesce(sum(g.spent_minor), 0)::bigint AS spent_minor, count(DISTINCT g.member_id)::int AS users,
  avg(g.rating)::float8 AS satisfaction
FROM (
  SELECT b.id, b.member_id, b.rating,
    CASE WHEN 'department' = ANY(:dimensions::text[]) THEN coalesce(d.name, '-') END AS department,
    CASE WHEN 'service_type' = ANY(:dimensions::text[]) THEN c.category END AS service_type,
    CASE WHEN 'provider' = ANY(:dimensions::text[]) THEN coalesce(p.name, q.name, '-') END AS provider,
    CASE WHEN 'location' = ANY(:dimensions::text[]) THEN coalesce(b.address ->> 'address_line1', '-') END AS location,
    CASE WHEN 'month' = ANY(:dimensions::text[]) THEN to_char(b.local_date, 'YYYY-MM') END AS month,
    CASE WHEN 'user' = ANY(:dimensions::text[]) THEN coalesce(trim(concat_ws(' ', m.first_name, m.last_name)), '-') END AS member,
    -- By the type of service a booking's money is divided as its lines are.
    CASE WHEN b.status <> 'completed' THEN 0 WHEN 'service_type' = ANY(:dimensions::text[]) THEN c.amount_minor
      ELSE b.grand_total_minor END AS spent_minor
  FROM bookings b LEFT JOIN departments d ON d.id = b.department_id LEFT JOIN members m ON m.id = b.member_id
    LEFT JOIN technicians t ON t.id = b.technician_id LEFT JOIN parties q ON q.id = t.id
    LEFT JOIN assignments a ON a.booking_id = b.id AND a.technician_id = t.id AND a.state <> 'cancelled'
    LEFT JOIN parties p ON p.id = coalesce(a.payee_id, t.provider_id)
    LEFT JOIN LATERAL (
      SELECT n.category, sum(n.price_minor * n.quantity) AS amount_minor FROM booking_items n
      WHERE n.booking_id = b.id AND 'service_type' = ANY(:dimensions::text[]) GROUP BY n.category) c ON true
  WHERE {mine} AND (:departments::uuid[] IS NULL OR b.department_id = ANY(:departments))
) g GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT 5000;

-- name: unused_members
-- Who could sign in or book and has done neither for so many days.
SELECT m.id, m.first_name, m.last_name, m.email, s.role, s.status, m.last_active_at, m.enrolled_at
FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND s.status IN ('active', 'pending')
  AND coalesce(m.last_active_at, m.enrolled_at) < app_now() - make_interval(days => :days::int)
  AND NOT EXISTS (SELECT FROM bookings b WHERE b.member_id = m.id AND b.created_at > app_now() - make_interval(days => :days::int))
ORDER BY coalesce(m.last_active_at, m.enrolled_at), m.id LIMIT 1000;

-- name: unused_keys
SELECT k.id, k.name, k.public_key, k.last_used_at, k.created_at FROM api_clients k
WHERE k.party_id = :organisation_id AND k.revoked_at IS NULL
  AND coalesce(k.last_used_at, k.created_at) < clock_timestamp() - make_interval(days => :days::int)
ORDER BY coalesce(k.last_used_at, k.created_at), k.id;
