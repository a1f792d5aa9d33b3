-- part: columns
s.id, s.name, s.description, s.category, s.service_type, s.tier, s.duration_minutes, s.image_url, s.image_file_id,
  s.is_active, s.created_at, s.updated_at,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', p.currency, 'price_minor', p.price_minor,
     'list_price_minor', p.list_price_minor) ORDER BY p.currency), '[]')
   FROM service_prices p WHERE p.service_id = s.id) AS prices

-- part: source
services s

-- part: everything
FROM services s WHERE s.deleted_at IS NULL

-- name: get
SELECT {columns} FROM {source} WHERE s.id = :service_id AND s.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE s.id = :service_id AND s.deleted_at IS NULL FOR UPDATE OF s;

-- name: lock_name
-- Whoever makes one of this name waits for whoever does.
SELECT pg_advisory_xact_lock(hashtextextended('service:' || lower(:name::text), 0));

-- name: twin
SELECT s.id FROM services s
WHERE lower(s.name) = lower(:name) AND lower(s.category) = lower(:category) AND lower(s.service_type) = lower(:service_type)
  AND s.tier = :tier AND s.deleted_at IS NULL
ORDER BY s.created_at, s.id LIMIT 1;

-- name: set_image
UPDATE services SET image_url = :image_url, image_file_id = :image_file_id, updated_at = app_now()
WHERE id = :service_id AND deleted_at IS NULL;

-- name: drop_price
DELETE FROM service_prices WHERE service_id = :service_id AND currency = :currency;

-- name: in_currency
-- What has a price in a currency, and is offered.
SELECT {columns} FROM {source} JOIN service_prices c ON c.service_id = s.id AND c.currency = :currency
WHERE s.is_active AND s.deleted_at IS NULL ORDER BY s.category, s.name, s.id;
