-- part: columns
p.id, p.name, p.type, p.amount_minor, p.currency, p.duration_days, p.features, p.is_active, p.created_at, p.updated_at

-- name: of_provider
SELECT {columns} FROM provider_plans p WHERE p.provider_id = :provider_id ORDER BY p.is_active DESC, p.amount_minor, p.name;

-- name: get
SELECT {columns} FROM provider_plans p WHERE p.id = :id AND p.provider_id = :provider_id;

-- name: by_name
SELECT {columns} FROM provider_plans p WHERE p.provider_id = :provider_id AND lower(p.name) = lower(:name) AND p.is_active;

-- name: insert
-- No row: there is one of this name.
INSERT INTO provider_plans AS p (provider_id, name, type, amount_minor, currency, duration_days, features)
VALUES (:provider_id, :name, :type, :amount_minor, :currency, :duration_days, :features)
ON CONFLICT (provider_id, lower(name)) DO NOTHING RETURNING {columns};

-- name: change
UPDATE provider_plans p SET name = coalesce(:name, p.name), type = coalesce(:type, p.type),
  amount_minor = coalesce(:amount_minor, p.amount_minor), duration_days = coalesce(:duration_days, p.duration_days),
  features = coalesce(:features::text[], p.features), is_active = coalesce(:is_active, p.is_active), updated_at = app_now()
WHERE p.id = :id AND p.provider_id = :provider_id RETURNING {columns};

-- name: remove
DELETE FROM provider_plans p WHERE p.id = :id AND p.provider_id = :provider_id
  AND NOT EXISTS (SELECT FROM provider_subscriptions s WHERE s.plan_id = p.id);
