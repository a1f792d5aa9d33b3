-- name: figures
-- Of the bookings of one app's customers. Whoever accepted confirmed it, whatever became of it later.
SELECT count(*) AS jobs_posted,
       count(*) FILTER (WHERE EXISTS (SELECT FROM assignments s WHERE s.booking_id = b.id)) AS bookings,
       count(*) FILTER (WHERE b.status IN ('completed', 'refunded')) AS completed,
       count(*) FILTER (WHERE b.status = 'cancelled') AS cancelled,
       count(DISTINCT b.account_id) AS active_users,
       round(avg(b.rating), 2)::float8 AS average_rating
FROM integration_customers c JOIN bookings b ON b.account_id = c.account_id
WHERE c.integration_id = :id AND b.created_at >= :since;

-- name: revenue
-- What was earned with jobs that were done, by currency, less what went back; of money paid twice nothing was earned.
SELECT b.currency, sum(b.grand_total_minor - coalesce(back.minor, 0))::bigint AS minor
FROM integration_customers c JOIN bookings b ON b.account_id = c.account_id
LEFT JOIN LATERAL (
  SELECT sum(r.amount_minor) AS minor FROM refunds r JOIN payments q ON q.id = r.payment_id
  WHERE r.booking_id = b.id AND r.status = 'processed' AND q.surplus_of IS NULL
) back ON true
WHERE c.integration_id = :id AND b.created_at >= :since AND b.status = 'completed'
GROUP BY b.currency ORDER BY minor DESC, b.currency;
