-- name: bookings
-- What an organisation (or one department of it) has booked: in all, in a month of its own clocks, and what was spent.
SELECT count(*) FILTER (WHERE b.status <> 'cancelled')::int AS total,
  count(*) FILTER (WHERE b.status <> 'cancelled' AND b.local_date >= :month AND b.local_date < :month + interval '1 month')::int
    AS this_month,
  count(*) FILTER (WHERE b.status IN ('pending', 'partner_assigned'))::int AS pending,
  count(*) FILTER (WHERE b.status = 'completed' AND b.local_date >= :month AND b.local_date < :month + interval '1 month')::int
    AS completed_this_month,
  count(*) FILTER (WHERE b.status = 'confirmed' AND b.starts_at > app_now())::int AS upcoming,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed' AND b.local_date >= :month
    AND b.local_date < :month + interval '1 month'), 0)::bigint AS month_minor,
  round(avg(b.rating), 1)::float8 AS rating
FROM bookings b WHERE b.organisation_id = :organisation_id AND (:within::uuid IS NULL OR b.department_id = :within);
