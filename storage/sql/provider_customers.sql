-- part: columns
c.id, c.provider_id, c.account_id, coalesce(c.name, a.name) AS name, c.email, c.phone, c.location, a.avatar_url, c.source,
  c.status, a.is_verified AND a.phone IS NOT NULL AS has_app_account, a.is_active AND a.erased_at IS NULL AS is_reachable, c.metadata, c.spent_minor, c.transactions, c.last_at, c.created_at,
  c.updated_at

-- part: source
provider_customers c JOIN accounts a ON a.id = c.account_id

-- part: of_provider
FROM provider_customers c WHERE c.provider_id = :provider_id

-- name: ensure
-- Whoever is known stays as they are; what is missing is filled in.
WITH kept AS (
  INSERT INTO provider_customers AS c (provider_id, account_id, name, email, phone, location, source)
  SELECT :provider_id, a.id, coalesce(:name, a.name), coalesce(:email, a.email), coalesce(:phone, a.phone), :location, :source
  FROM accounts a WHERE a.id = :account_id
  ON CONFLICT (provider_id, account_id) DO UPDATE SET name = coalesce(c.name, EXCLUDED.name),
    email = coalesce(c.email, EXCLUDED.email), phone = coalesce(c.phone, EXCLUDED.phone),
    location = coalesce(c.location, EXCLUDED.location), updated_at = app_now()
  RETURNING c.*)
SELECT {columns} FROM kept c JOIN accounts a ON a.id = c.account_id;

-- name: find
-- By the customer's own id, or by that of the account behind it.
SELECT {columns} FROM {source} WHERE c.provider_id = :provider_id AND (c.id = :id OR c.account_id = :id)
ORDER BY c.id = :id DESC LIMIT 1;

-- name: by_email
SELECT {columns} FROM {source} WHERE c.provider_id = :provider_id AND lower(c.email) = lower(:email) ORDER BY c.created_at LIMIT 1;

-- name: insert
INSERT INTO provider_customers AS c (provider_id, account_id, name, email, phone, location, source, metadata)
VALUES (:provider_id, :account_id, :name, :email, :phone, :location, 'manual', :metadata)
ON CONFLICT DO NOTHING RETURNING id;

-- name: change
UPDATE provider_customers SET name = coalesce(:name, name), status = coalesce(:status, status), email = coalesce(:email, email),
  phone = coalesce(:phone, phone), location = coalesce(:location, location), updated_at = app_now()
WHERE id = :id AND provider_id = :provider_id;

-- name: summary
SELECT count(*) AS customers, coalesce(sum(spent_minor), 0)::bigint AS spent_minor, coalesce(sum(transactions), 0)::bigint AS transactions
FROM provider_customers WHERE provider_id = :provider_id;

-- name: recent_lines
SELECT id, amount_minor, currency, type, status, created_at, reference FROM provider_transactions
WHERE customer_id = :customer_id ORDER BY created_at DESC, id DESC LIMIT 10;

-- name: subscriptions
SELECT s.id, p.name AS plan_name, s.status, s.starts_at, s.ends_at FROM provider_subscriptions s JOIN provider_plans p ON p.id = s.plan_id
WHERE s.customer_id = :customer_id AND s.status = 'active' ORDER BY s.ends_at DESC LIMIT 50;

-- name: of_ids
SELECT {columns} FROM {source} WHERE c.provider_id = :provider_id AND (c.id = ANY(:ids::uuid[]) OR c.account_id = ANY(:ids::uuid[]));

-- name: active
SELECT {columns} FROM {source} WHERE c.provider_id = :provider_id AND c.status = 'active' AND c.id > :after_id ORDER BY c.id LIMIT :most;
