-- name: present
-- How things stand, as (name, label, value): each row from an index that holds only what waits or is open, or from a table of
-- sums; what could wait without end is counted up to :most.
SELECT 'bookings_open' AS name, b.status AS label, count(*)::float8 AS value FROM bookings b
WHERE b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress') GROUP BY b.status
UNION ALL
SELECT 'offers_open', '', count(*) FROM offers WHERE state = 'open'
UNION ALL
SELECT 'manual_queue', '', count(*) FROM bookings WHERE queued_at IS NOT NULL AND status = 'pending'
UNION ALL
SELECT 'timers_overdue_seconds', '', coalesce(greatest(0, extract(epoch FROM app_now() - least(
  (SELECT min(next_action_at) FROM bookings WHERE next_action <> 'dispatch'),
  (SELECT min(next_action_at) FROM bookings WHERE next_action = 'dispatch')))), 0)
UNION ALL
SELECT 'outbox_waiting', c.channel, (SELECT count(*) FROM
  (SELECT FROM outbox o WHERE o.channel = c.channel AND o.state = 'pending' LIMIT :most) AS part)
FROM unnest(:channels::text[]) AS c (channel)
UNION ALL
SELECT 'outbox_lag_seconds', c.channel, coalesce(greatest(0, extract(epoch FROM clock_timestamp() -
  (SELECT min(o.next_try_at) FROM outbox o WHERE o.channel = c.channel AND o.state = 'pending'))), 0)
FROM unnest(:channels::text[]) AS c (channel)
UNION ALL
SELECT w.name, '', w.value FROM (
  SELECT count(*)::float8 AS waiting,
    coalesce(greatest(0, extract(epoch FROM app_now() - min(d.next_try_at))), 0)::float8 AS lag_s
  FROM (SELECT greatest(n.next_try_at, e.paused_until) AS next_try_at
        FROM webhook_deliveries n JOIN webhook_endpoints e ON e.id = n.endpoint_id LEFT JOIN parties p ON p.id = e.owner_id
        WHERE n.state = 'pending' AND e.is_active AND e.deleted_at IS NULL AND p.deleted_at IS NULL LIMIT :most) AS d) AS found
CROSS JOIN LATERAL (VALUES ('webhooks_waiting', found.waiting), ('webhooks_lag_seconds', found.lag_s)) AS w (name, value)
UNION ALL
SELECT 'tasks', s.state, (SELECT count(*) FROM tasks t WHERE t.finished_at IS NULL AND t.state = s.state)
FROM (VALUES ('queued'), ('running')) AS s (state)
UNION ALL
SELECT 'tasks', 'held', count(*) FROM tasks WHERE state = 'held'
UNION ALL
SELECT 'tasks_lag_seconds', '', coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(execute_after))), 0)
FROM pgqueuer WHERE status = 'queued'
UNION ALL
SELECT 'money_waiting', 'intents', count(*) FROM payment_intents WHERE next_try_at IS NOT NULL
UNION ALL
SELECT 'money_waiting', 'events', count(*) FROM gateway_events WHERE next_try_at IS NOT NULL
UNION ALL
SELECT 'money_lag_seconds', '', coalesce(greatest(0, extract(epoch FROM clock_timestamp() - least(
  (SELECT min(next_try_at) FROM payment_intents WHERE next_try_at IS NOT NULL),
  (SELECT min(next_try_at) FROM gateway_events WHERE next_try_at IS NOT NULL)))), 0)
UNION ALL
(SELECT 'alerts_open', a.kind, count(*) FROM alerts a WHERE a.resolved_at IS NULL GROUP BY a.kind)
UNION ALL
(SELECT m.name, s.currency, m.value FROM (
   SELECT currency, sum(revenue_minor) AS revenue, sum(paid) AS paid FROM analytics_days
   WHERE day > (SELECT until FROM analytics_rolled) - 31 GROUP BY currency) AS s
 CROSS JOIN LATERAL (VALUES ('revenue_30d_minor', s.revenue), ('paid_bookings_30d', s.paid),
   ('average_order_minor', s.revenue / nullif(s.paid, 0))) AS m (name, value)
 WHERE m.value IS NOT NULL)
UNION ALL
SELECT 'customers_60d', r.label, r.value FROM returning_customers
CROSS JOIN LATERAL (VALUES ('booked', booked), ('returned', returned)) AS r (label, value);

-- name: count_returning
UPDATE returning_customers SET (booked, returned, counted_at) = (
  SELECT count(*), count(*) FILTER (WHERE again), app_now() FROM (
    SELECT bool_or(created_at >= app_now() - interval '30 days') AS again FROM bookings
    WHERE created_at >= app_now() - interval '60 days' AND status <> 'cancelled'
    GROUP BY account_id HAVING bool_or(created_at < app_now() - interval '30 days')) AS customer);
