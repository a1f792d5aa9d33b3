-- name: quiet
-- What is kept line by line is summed at once afterwards.
ALTER TABLE provider_transactions DISABLE TRIGGER USER;

-- name: loud
ALTER TABLE provider_transactions ENABLE TRIGGER USER;

-- name: customers
INSERT INTO accounts (name, email) SELECT 'Customer ' || n, 'customer' || n || '@bench.example' FROM generate_series(1, :count::bigint) AS n;

-- name: their_customers
INSERT INTO provider_customers (provider_id, account_id, name, email, source)
SELECT :provider_id, id, name, email, 'payment' FROM accounts WHERE email LIKE '%@bench.example';

-- name: lines
-- Of three years until now: most of them settled credits, each of some customer.
INSERT INTO provider_transactions (provider_id, type, category, status, amount_minor, currency, reference, customer_id, payer_name,
  payer_email, method, service, created_at, updated_at, settled_at)
SELECT :provider_id, CASE WHEN n % 10 = 0 THEN 'debit' ELSE 'credit' END,
  CASE WHEN n % 10 = 0 THEN 'payout' WHEN n % 3 = 0 THEN 'provider_payment' ELSE 'payment_received' END,
  CASE WHEN n % 20 = 7 THEN 'pending' WHEN n % 20 = 9 THEN 'failed' ELSE 'settled' END, 1000 + n % 100000, 'INR', 'BENCH-' || n,
  c.ids[1 + n % cardinality(c.ids)], 'Customer ' || n % cardinality(c.ids), NULL, 'link',
  (ARRAY['Massage', 'Facial', 'Repair', NULL])[1 + n % 4], at, at, CASE WHEN n % 20 NOT IN (7, 9) THEN at END
FROM (SELECT array_agg(id ORDER BY id) AS ids FROM provider_customers WHERE provider_id = :provider_id) c,
  generate_series(:first::bigint, :last::bigint) AS n,
  LATERAL (SELECT app_now() - interval '3 years' * (n::float8 / :count::bigint) AS at) m;

-- name: tidy
VACUUM (ANALYZE) provider_transactions, provider_customers, provider_days;
