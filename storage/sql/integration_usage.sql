-- name: standing
-- What decides whether a call of an app is taken: its state, its limits, and what it has used of the month so far.
SELECT i.status, i.monthly_limit, i.burst_limit,
       coalesce((SELECT sum(u.requests) FROM integration_usage u
                 WHERE u.integration_id = i.id AND u.day >= date_trunc('month', :today::date)::date), 0)::bigint AS used
FROM integrations i JOIN parties p ON p.id = i.id WHERE i.id = :id AND p.deleted_at IS NULL;

-- name: add
-- In the order of the key, so that two nodes that add at once never wait for each other in a circle.
INSERT INTO integration_usage (integration_id, day, route, requests, refused)
SELECT * FROM unnest(:ids::uuid[], :days::date[], :routes::text[], :requests::bigint[], :refused::bigint[]) AS t
ORDER BY 1, 2, 3
ON CONFLICT (integration_id, day, route) DO UPDATE SET
  requests = integration_usage.requests + EXCLUDED.requests, refused = integration_usage.refused + EXCLUDED.refused;

-- name: seen
UPDATE integrations i SET last_request_at = greatest(i.last_request_at, t.at)
FROM (SELECT * FROM unnest(:ids::uuid[], :moments::timestamptz[]) AS u (id, at) ORDER BY 1) AS t WHERE i.id = t.id;

-- name: over
-- Which of these apps have used so much of their month, in percent.
SELECT i.id, p.name, sum(u.requests)::bigint AS used, i.monthly_limit
FROM integrations i JOIN parties p ON p.id = i.id JOIN integration_usage u ON u.integration_id = i.id
WHERE i.id = ANY(:ids::uuid[]) AND u.day >= date_trunc('month', :today::date)::date AND p.deleted_at IS NULL
GROUP BY i.id, p.name HAVING sum(u.requests) * 100 >= i.monthly_limit::bigint * :percent::int ORDER BY i.id;

-- name: alerted
-- Whether this app is to be told now: of each month and share once, and of none after a greater one.
UPDATE integrations SET alert_month = date_trunc('month', :today::date)::date, alert_percent = :percent
WHERE id = :id AND (alert_month IS DISTINCT FROM date_trunc('month', :today::date)::date OR alert_percent < :percent)
RETURNING id;

-- name: totals
SELECT coalesce(sum(requests), 0)::bigint AS total,
       coalesce(sum(requests) FILTER (WHERE day >= date_trunc('month', :today::date)::date), 0)::bigint AS this_month,
       coalesce(sum(refused), 0)::bigint AS refused
FROM integration_usage WHERE integration_id = :id;

-- name: by_day
SELECT day, sum(requests)::bigint AS requests, sum(refused)::bigint AS refused FROM integration_usage
WHERE integration_id = :id AND day BETWEEN :date_from AND :date_to GROUP BY day ORDER BY day;

-- name: by_route
SELECT route, sum(requests)::bigint AS requests, sum(refused)::bigint AS refused FROM integration_usage
WHERE integration_id = :id AND day BETWEEN :date_from AND :date_to GROUP BY route ORDER BY requests DESC, route;

-- name: purge
DELETE FROM integration_usage WHERE (integration_id, day, route) IN (
  SELECT integration_id, day, route FROM integration_usage WHERE day < (app_now() - make_interval(days => :days))::date LIMIT :most);
