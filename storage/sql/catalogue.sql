-- name: offered
-- What has no price is not offered; a price stands in one currency. Tiers from the plainest on (R57), others behind.
SELECT s.id, s.name, s.description, s.category, s.service_type, s.tier, s.duration_minutes, s.image_url, s.updated_at,
  p.currency, p.price_minor, p.list_price_minor
FROM services s JOIN service_prices p ON p.service_id = s.id
LEFT JOIN service_categories c ON c.name = s.category
WHERE s.is_active AND c.is_active IS NOT FALSE AND s.deleted_at IS NULL
ORDER BY coalesce(c.position, 0), s.category, s.service_type, array_position(ARRAY['Minimal', 'Exclusive', 'E-Lite'], s.tier) NULLS LAST, s.tier,
  s.name, s.id;

-- name: last_change
SELECT greatest((SELECT max(updated_at) FROM services), (SELECT max(updated_at) FROM service_categories), to_timestamp(0));

-- name: insert
INSERT INTO services (id, name, description, category, service_type, tier, duration_minutes, image_url, is_active)
VALUES (:id, :name, :description, :category, :service_type, :tier, :duration_minutes, :image_url, :is_active)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, category = excluded.category,
  service_type = excluded.service_type, tier = excluded.tier, duration_minutes = excluded.duration_minutes,
  image_url = excluded.image_url, is_active = excluded.is_active, updated_at = app_now()
WHERE services.deleted_at IS NULL
RETURNING id;

-- name: put_price
INSERT INTO service_prices (service_id, currency, price_minor, list_price_minor)
VALUES (:service_id, :currency, :price_minor, :list_price_minor)
ON CONFLICT (service_id, currency) DO UPDATE SET price_minor = excluded.price_minor,
  list_price_minor = excluded.list_price_minor;

-- name: retire
UPDATE services SET is_active = false, deleted_at = app_now(), updated_at = app_now()
WHERE id = :service_id AND deleted_at IS NULL;
