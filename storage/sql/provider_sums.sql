-- name: totals
-- Every line is counted, settled credits are summed up.
SELECT coalesce(sum(lines), 0)::bigint AS lines,
  coalesce(sum(amount_minor) FILTER (WHERE type = 'credit' AND status = 'settled' AND currency = :currency), 0)::bigint AS settled_minor
FROM provider_days WHERE provider_id = :provider_id;

-- name: clear
-- The provider's clock has changed: its days are others. Nobody writes them meanwhile.
DELETE FROM provider_days WHERE provider_id = :provider_id;

-- name: fill
INSERT INTO provider_days (provider_id, day, currency, type, category, status, service, lines, amount_minor)
SELECT t.provider_id, (coalesce(t.settled_at, t.created_at) AT TIME ZONE p.timezone)::date, t.currency, t.type, t.category, t.status,
  coalesce(t.service, ''), count(*), sum(t.amount_minor)
FROM provider_transactions t JOIN parties p ON p.id = t.provider_id WHERE t.provider_id = :provider_id GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- name: income_by_day
-- Credits of one currency (C113) on the day on which they were settled, less what went back on the day on which it did;
-- days without any left out. A credit stays where it is when all of it goes back: its refunds are lines of their own. What was paid
-- for a bill of the platform's that was closed, and lies in the wallet, is the provider's own and no income.
SELECT day, sum(CASE type WHEN 'credit' THEN amount_minor ELSE -amount_minor END)::bigint AS amount_minor FROM provider_days
WHERE provider_id = :provider_id AND currency = :currency
  AND (type = 'credit' AND category <> 'wallet' AND status IN ('settled', 'refunded') OR category = 'refund' AND status = 'settled')
  AND day BETWEEN :first AND :last AND (:service::text IS NULL OR lower(service) = lower(:service))
GROUP BY day ORDER BY day;

-- name: income_by_hour
SELECT extract(hour FROM t.settled_at AT TIME ZONE :timezone)::int AS hour,
  sum(CASE t.type WHEN 'credit' THEN t.amount_minor ELSE -t.amount_minor END)::bigint AS amount_minor
FROM provider_transactions t
WHERE t.provider_id = :provider_id AND t.currency = :currency
  AND (t.type = 'credit' AND t.category <> 'wallet' AND t.status IN ('settled', 'refunded') OR t.category = 'refund' AND t.status = 'settled')
  AND t.settled_at >= :from_at AND t.settled_at < :to_at AND (:service::text IS NULL OR lower(t.service) = lower(:service))
GROUP BY 1 ORDER BY 1;

-- name: by_status
-- Every line is counted; of what succeeded only credits are summed up, or a refund would add to what it takes away.
SELECT status, sum(lines)::bigint AS lines,
  coalesce(sum(amount_minor) FILTER (WHERE type = 'credit' OR status <> 'settled'), 0)::bigint AS amount_minor
FROM provider_days
WHERE provider_id = :provider_id AND currency = :currency AND day BETWEEN :first AND :last
GROUP BY status ORDER BY status;

-- name: payouts
SELECT coalesce(sum(lines), 0)::bigint FROM provider_days
WHERE provider_id = :provider_id AND category = 'payout' AND status IN ('pending', 'settled') AND day BETWEEN :first AND :last;

-- name: lines_between
SELECT coalesce(sum(lines), 0)::bigint FROM provider_days WHERE provider_id = :provider_id AND day BETWEEN :first AND :last;

-- name: subscribers_at
SELECT count(*) FROM provider_subscriptions
WHERE provider_id = :provider_id AND starts_at <= :at AND ends_at > :at AND (cancelled_at IS NULL OR cancelled_at > :at);

-- name: customers
-- All there were by the end, those who came in the span, and those who have moved since it began.
SELECT count(*) AS total, count(*) FILTER (WHERE created_at >= :from_at) AS arrived,
  count(*) FILTER (WHERE last_at >= :from_at) AS active
FROM provider_customers WHERE provider_id = :provider_id AND created_at < :to_at;
