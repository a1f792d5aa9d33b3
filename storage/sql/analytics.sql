-- What is summed ends before :rolled_to; its whole months go from :month_from to before :month_to. The rest is read from the
-- events between :live_from and :live_to, which are given and not worked out here, so that the planner sees how few they are.

-- part: in_sums
(a.grain = 'month' AND a.starts_on >= :month_from AND a.starts_on < :month_to
  OR a.grain = 'day' AND a.starts_on >= :date_from AND a.starts_on < :rolled_to
    AND (a.starts_on < :month_from OR a.starts_on >= :month_to))

-- name: revenue
WITH d AS (
  SELECT a.day, a.bookings, a.paid, a.revenue_minor FROM analytics_days a
  WHERE a.currency = :currency AND a.day >= :date_from::date AND a.day < :rolled_to::date
  UNION ALL
  SELECT (m.at AT TIME ZONE :timezone)::date, 0, m.paid, m.revenue_minor
  FROM analytics_money(:live_from, :live_to) m WHERE m.currency = :currency
  UNION ALL
  SELECT (b.created_at AT TIME ZONE :timezone)::date, 1, 0, 0 FROM bookings b
  WHERE b.created_at >= :live_from AND b.created_at < :live_to AND b.currency = :currency
)
SELECT starts_on::date, coalesce(sum(d.bookings), 0)::bigint AS bookings, coalesce(sum(d.paid), 0)::bigint AS paid,
  coalesce(sum(d.revenue_minor), 0)::bigint AS revenue_minor
FROM generate_series(date_trunc(:unit::text, :date_from::date::timestamp), :date_to::date::timestamp,
    ('1 ' || :unit::text)::interval) AS starts_on
  LEFT JOIN d ON date_trunc(:unit::text, d.day::timestamp) = starts_on
GROUP BY starts_on ORDER BY starts_on;

-- name: technicians
WITH d AS (
  SELECT a.technician_id, a.completed, a.cancelled, a.earnings_minor, a.ratings, a.stars FROM analytics_technicians a
  WHERE a.currency = :currency AND {in_sums} AND (:technician_id::uuid IS NULL OR a.technician_id = :technician_id)
  UNION ALL
  SELECT j.technician_id, j.completed, j.cancelled, j.earnings_minor, j.ratings, j.stars
  FROM analytics_jobs(:live_from, :live_to) j
  WHERE j.currency = :currency AND (:technician_id::uuid IS NULL OR j.technician_id = :technician_id)
), t AS (
  SELECT d.technician_id, sum(d.completed)::bigint AS completed, sum(d.cancelled)::bigint AS cancelled,
    sum(d.earnings_minor)::bigint AS earnings_minor, sum(d.ratings)::bigint AS ratings, sum(d.stars)::bigint AS stars
  FROM d GROUP BY d.technician_id)
SELECT t.technician_id, p.code, p.name, t.completed, t.cancelled, t.earnings_minor, t.ratings, t.stars
FROM t JOIN parties p ON p.id = t.technician_id
ORDER BY t.completed DESC, t.earnings_minor DESC, t.technician_id LIMIT :limit;

-- name: services
WITH d AS (
  SELECT a.service_id, a.bookings, a.revenue_minor, a.ratings, a.stars FROM analytics_services a
  WHERE a.currency = :currency AND {in_sums}
  UNION ALL
  SELECT l.service_id, l.bookings, l.revenue_minor, l.ratings, l.stars
  FROM analytics_sales(:live_from, :live_to) l WHERE l.currency = :currency
), t AS (
  SELECT d.service_id, sum(d.bookings)::bigint AS bookings, sum(d.revenue_minor)::bigint AS revenue_minor,
    sum(d.ratings)::bigint AS ratings, sum(d.stars)::bigint AS stars FROM d GROUP BY d.service_id)
SELECT t.service_id, v.name, v.category, v.tier, t.bookings, t.revenue_minor, t.ratings, t.stars
FROM t JOIN services v ON v.id = t.service_id
ORDER BY t.bookings DESC, t.revenue_minor DESC, t.service_id LIMIT :limit;

-- name: dashboard
-- Every booking is counted in one of four ways, so that the four make the whole: what was cancelled stays so, also when its
-- money has gone back. One statement, one moment.
WITH c AS MATERIALIZED (SELECT
  (SELECT coalesce(sum(a.bookings), 0) FROM analytics_days a WHERE a.day < :rolled_to)
    + (SELECT count(*) FROM bookings b WHERE b.created_at >= :live_from) AS total,
  (SELECT count(*) FROM bookings WHERE status IN ('pending', 'partner_assigned')) AS pending,
  (SELECT count(*) FROM bookings WHERE status IN ('confirmed', 'in_progress')) AS confirmed,
  (SELECT coalesce(sum(a.cancelled), 0) FROM analytics_days a WHERE a.day < :rolled_to)
    + (SELECT count(*) FROM bookings b WHERE b.cancelled_at >= :live_from) AS cancelled)
SELECT c.total::bigint, c.pending, c.confirmed, (c.total - c.pending - c.confirmed - c.cancelled)::bigint AS completed,
  c.cancelled::bigint,
  ((SELECT coalesce(sum(a.revenue_minor), 0) FROM analytics_days a WHERE a.currency = :currency AND a.day < :rolled_to)
    + (SELECT coalesce(sum(m.revenue_minor), 0) FROM analytics_money(:live_from, 'infinity') m
       WHERE m.currency = :currency))::bigint AS revenue_minor,
  (SELECT coalesce(sum(m.revenue_minor), 0) FROM analytics_money(:today_from, 'infinity') m
    WHERE m.currency = :currency)::bigint AS today_minor,
  (SELECT count(*) FROM technicians t JOIN parties p ON p.id = t.id
    WHERE t.is_active AND t.onboarding_status = 'verified' AND p.deleted_at IS NULL) AS active_technicians,
  (SELECT count(*) FROM parties WHERE kind = 'technician' AND deleted_at IS NULL) AS technicians,
  (SELECT coalesce(sum(balance_minor), 0) FROM ledger_accounts WHERE type = 'payable' AND currency = :currency)::bigint
    AS payable_minor
FROM c;

-- name: read
SELECT timezone, until FROM analytics_rolled;

-- name: lock
SELECT timezone, until FROM analytics_rolled FOR UPDATE;

-- name: first_day
-- The first day on which anything happened.
SELECT (least((SELECT min(created_at) FROM bookings), (SELECT min(at) FROM ledger_journals)) AT TIME ZONE :timezone)::date;

-- name: empty
-- The sums are those of another place's days.
WITH d AS (DELETE FROM analytics_days), t AS (DELETE FROM analytics_technicians) DELETE FROM analytics_services;

-- name: roll_days
INSERT INTO analytics_days (day, currency, bookings, cancelled, paid, revenue_minor)
SELECT day, currency, sum(bookings), sum(cancelled), sum(paid), sum(revenue_minor) FROM (
  SELECT (m.at AT TIME ZONE :timezone)::date AS day, m.currency, 0 AS bookings, 0 AS cancelled, m.paid, m.revenue_minor
  FROM analytics_money(:from_at, :until_at) m
  UNION ALL
  SELECT (b.created_at AT TIME ZONE :timezone)::date, b.currency, 1, 0, 0, 0 FROM bookings b
  WHERE b.created_at >= :from_at AND b.created_at < :until_at
  UNION ALL
  SELECT (b.cancelled_at AT TIME ZONE :timezone)::date, b.currency, 0, 1, 0, 0 FROM bookings b
  WHERE b.cancelled_at >= :from_at AND b.cancelled_at < :until_at) e
GROUP BY day, currency;

-- name: roll_technicians
INSERT INTO analytics_technicians (grain, starts_on, technician_id, currency, completed, cancelled, earnings_minor, ratings, stars)
SELECT 'day', (j.at AT TIME ZONE :timezone)::date, j.technician_id, j.currency, sum(j.completed), sum(j.cancelled),
  sum(j.earnings_minor), sum(j.ratings), sum(j.stars)
FROM analytics_jobs(:from_at, :until_at) j
GROUP BY 2, 3, 4;

-- name: roll_services
INSERT INTO analytics_services (grain, starts_on, service_id, currency, bookings, revenue_minor, ratings, stars)
SELECT 'day', (l.at AT TIME ZONE :timezone)::date, l.service_id, l.currency, sum(l.bookings), sum(l.revenue_minor),
  sum(l.ratings), sum(l.stars)
FROM analytics_sales(:from_at, :until_at) l
GROUP BY 2, 3, 4;

-- name: roll_technician_months
-- Months that have become whole.
INSERT INTO analytics_technicians (grain, starts_on, technician_id, currency, completed, cancelled, earnings_minor, ratings, stars)
SELECT 'month', date_trunc('month', a.starts_on::timestamp)::date, a.technician_id, a.currency, sum(a.completed), sum(a.cancelled),
  sum(a.earnings_minor), sum(a.ratings), sum(a.stars)
FROM analytics_technicians a
WHERE a.grain = 'day' AND a.starts_on >= date_trunc('month', :from_day::date::timestamp)::date
  AND a.starts_on < date_trunc('month', :until::date::timestamp)::date
GROUP BY 2, 3, 4;

-- name: roll_service_months
INSERT INTO analytics_services (grain, starts_on, service_id, currency, bookings, revenue_minor, ratings, stars)
SELECT 'month', date_trunc('month', a.starts_on::timestamp)::date, a.service_id, a.currency, sum(a.bookings),
  sum(a.revenue_minor), sum(a.ratings), sum(a.stars)
FROM analytics_services a
WHERE a.grain = 'day' AND a.starts_on >= date_trunc('month', :from_day::date::timestamp)::date
  AND a.starts_on < date_trunc('month', :until::date::timestamp)::date
GROUP BY 2, 3, 4;

-- name: rolled
UPDATE analytics_rolled SET timezone = :timezone, until = :until;
