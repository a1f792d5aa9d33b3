-- part: columns
p.id, p.name, p.currency, p.monthly_minor, p.yearly_minor, p.features, p.is_active, p.created_at, p.updated_at

-- name: all
SELECT {columns} FROM platform_plans p ORDER BY p.currency, p.is_active DESC, p.monthly_minor, p.name LIMIT 1000;

-- name: offered
SELECT {columns} FROM platform_plans p WHERE p.currency = :currency AND p.is_active ORDER BY p.monthly_minor, p.name LIMIT 100;

-- name: get
SELECT {columns} FROM platform_plans p WHERE p.id = :id;

-- name: by_name
SELECT {columns} FROM platform_plans p WHERE lower(p.name) = lower(:name) AND p.currency = :currency AND p.is_active;

-- name: insert
-- No row: there is one of this name.
INSERT INTO platform_plans AS p (name, currency, monthly_minor, yearly_minor, features)
VALUES (:name, :currency, :monthly_minor, :yearly_minor, :features)
ON CONFLICT (lower(name), currency) DO NOTHING RETURNING {columns};

-- name: change
UPDATE platform_plans p SET name = coalesce(:name, p.name), monthly_minor = coalesce(:monthly_minor, p.monthly_minor),
  yearly_minor = coalesce(:yearly_minor, p.yearly_minor), features = coalesce(:features::text[], p.features),
  is_active = coalesce(:is_active, p.is_active), updated_at = app_now()
WHERE p.id = :id RETURNING {columns};

-- name: remove
-- Of those that nobody ever had.
DELETE FROM platform_plans p WHERE p.id = :id
  AND NOT EXISTS (SELECT FROM platform_subscriptions s WHERE p.id IN (s.plan_id, s.next_plan_id))
  AND NOT EXISTS (SELECT FROM platform_bills b WHERE b.plan_id = p.id);
