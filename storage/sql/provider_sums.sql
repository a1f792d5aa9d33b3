-- name: totals
SELECT coalesce(sum(lines), 0)::bigint AS lines,
  coalesce(sum(amount_minor) FILTER (WHERE status = 'settled' AND currency = :currency), 0)::bigint AS settled_minor
FROM provider_days WHERE provider_id = :provider_id;

-- name: clear
-- The provider's clock has changed: its days are others. Nobody writes them meanwhile.
DELETE FROM provider_days WHERE provider_id = :provider_id;

-- name: fill
INSERT INTO provider_days (provider_id, day, currency, type, category, status, service, lines, amount_minor)
SELECT t.provider_id, (coalesce(t.settled_at, t.created_at) AT TIME ZONE p.timezone)::date, t.currency, t.type, t.category, t.status,
  coalesce(t.service, ''), count(*), sum(t.amount_minor)
FROM provider_transactions t JOIN parties p ON p.id = t.provider_id WHERE t.provider_id = :provider_id GROUP BY 1, 2, 3, 4, 5, 6, 7;
