-- part: columns
c.id, c.name, c.description, c.image_url, c.position, c.is_active, c.created_at, c.updated_at,
  (SELECT count(*)::int FROM services s WHERE s.category = c.name AND s.deleted_at IS NULL) AS services

-- part: source
service_categories c

-- part: everything
FROM service_categories c WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE c.id = :category_id;

-- name: lock
SELECT {columns} FROM {source} WHERE c.id = :category_id FOR UPDATE OF c;

-- name: insert
INSERT INTO service_categories (name, description, image_url, position, is_active)
VALUES (:name, :description, :image_url, :position, :is_active) ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: change
UPDATE service_categories SET name = :name, description = :description, image_url = :image_url, position = :position,
  is_active = :is_active, updated_at = app_now()
WHERE id = :category_id;

-- name: delete
DELETE FROM service_categories WHERE id = :category_id;

-- name: is_taken
SELECT EXISTS (SELECT FROM service_categories WHERE name = :name AND id <> :category_id);

-- name: is_used
-- Whether anybody goes by this name: services that are there, technicians who do it, bookings that are not over.
SELECT EXISTS (SELECT FROM services WHERE category = :name AND deleted_at IS NULL)
  OR EXISTS (SELECT FROM technicians WHERE :name = ANY(categories))
  OR EXISTS (SELECT FROM bookings WHERE :name = ANY(categories) AND status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress'));

-- name: spelled
-- Names as categories have them, in their order; one that differs from none but in case is that one.
SELECT array_agg(coalesce((SELECT c.name FROM service_categories c WHERE lower(c.name) = lower(w.name)
  ORDER BY c.name <> w.name, c.created_at, c.name LIMIT 1), w.name) ORDER BY w.n)
FROM unnest(:names::text[]) WITH ORDINALITY AS w (name, n);
