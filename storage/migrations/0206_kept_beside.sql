-- A plan that changes changes nothing of the subscriptions that run: each keeps how long its own periods are.
ALTER TABLE provider_subscriptions
  ADD COLUMN period_days int CHECK (period_days BETWEEN 1 AND 3660),
  -- The span that was paid for last; none before the first payment.
  ADD COLUMN bought_from timestamptz,
  ADD COLUMN bought_until timestamptz,
  ADD CHECK (bought_until > bought_from);
UPDATE provider_subscriptions s SET period_days = p.duration_days FROM provider_plans p WHERE p.id = s.plan_id;
UPDATE provider_subscriptions s SET bought_until = s.ends_at, bought_from = CASE WHEN q.renews_days IS NULL THEN s.starts_at
  ELSE greatest(s.starts_at, s.ends_at - make_interval(days => q.renews_days)) END
FROM (SELECT DISTINCT ON (purpose_id) purpose_id, renews_days FROM payment_requests
      WHERE purpose = 'subscription' AND status = 'paid' ORDER BY purpose_id, paid_at DESC NULLS LAST, id) q
WHERE q.purpose_id = s.id AND s.ends_at > s.starts_at;
ALTER TABLE provider_subscriptions ALTER COLUMN period_days SET NOT NULL;

-- When a try failed last: after a quiet spell an endpoint's failures are counted anew.
ALTER TABLE webhook_endpoints ADD COLUMN last_failed_at timestamptz;
UPDATE webhook_endpoints SET last_failed_at = failing_since WHERE failing_since IS NOT NULL;

-- The columns of a file of partners that no field answers to.
ALTER TABLE partner_imports ADD COLUMN ignored text[] NOT NULL DEFAULT '{}';
