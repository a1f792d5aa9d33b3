-- name: price_lists
SELECT id, code, name, is_active FROM price_lists ORDER BY code LIMIT :most;

-- name: price_list
SELECT id, code, name, is_active FROM price_lists WHERE id = :id;

-- name: lock_price_list
SELECT id, code, name, is_active FROM price_lists WHERE id = :id FOR UPDATE;

-- name: insert_price_list
INSERT INTO price_lists (code, name, is_active) VALUES (:code, :name, :is_active)
ON CONFLICT (code) DO NOTHING RETURNING id, code, name, is_active;

-- name: save_price_list
UPDATE price_lists SET code = :code, name = :name, is_active = :is_active, updated_at = app_now()
WHERE id = :id RETURNING id, code, name, is_active;

-- name: delete_price_list
DELETE FROM price_lists WHERE id = :id AND NOT EXISTS (SELECT 1 FROM trade_partners WHERE price_list_id = :id);

-- name: price_list_items
SELECT i.service_id, s.name AS service_name, i.price_minor FROM price_list_items i JOIN services s ON s.id = i.service_id
WHERE i.price_list_id = :price_list_id ORDER BY s.name, i.service_id LIMIT :most;

-- name: unknown_services
-- Which of these are none of the catalogue.
SELECT array_agg(i.id ORDER BY i.place) FROM unnest(:ids::uuid[]) WITH ORDINALITY AS i (id, place)
WHERE NOT EXISTS (SELECT 1 FROM services s WHERE s.id = i.id AND s.deleted_at IS NULL);

-- name: put_price_list_items
-- Only for services that are there; gives how many were written.
INSERT INTO price_list_items (price_list_id, service_id, price_minor)
SELECT :price_list_id, i.service_id, i.price_minor
FROM unnest(:service_ids::uuid[], :prices::bigint[]) AS i (service_id, price_minor)
JOIN services s ON s.id = i.service_id AND s.deleted_at IS NULL
ON CONFLICT (price_list_id, service_id) DO UPDATE SET price_minor = EXCLUDED.price_minor;

-- name: drop_price_list_item
DELETE FROM price_list_items WHERE price_list_id = :price_list_id AND service_id = :service_id;

-- name: vat_taxes
SELECT id, code, type, name, percentage, deduction FROM vat_taxes ORDER BY id LIMIT :most;

-- name: vat_tax
SELECT id, code, type, name, percentage, deduction FROM vat_taxes WHERE id = :id;

-- name: lock_vat_tax
SELECT id, code, type, name, percentage, deduction FROM vat_taxes WHERE id = :id FOR UPDATE;

-- name: insert_vat_tax
INSERT INTO vat_taxes (code, type, name, percentage, deduction) VALUES (:code, :type, :name, :percentage, :deduction)
ON CONFLICT (code) DO NOTHING RETURNING id, code, type, name, percentage, deduction;

-- name: save_vat_tax
UPDATE vat_taxes SET code = :code, type = :type, name = :name, percentage = :percentage, deduction = :deduction,
  updated_at = app_now()
WHERE id = :id RETURNING id, code, type, name, percentage, deduction;

-- name: delete_vat_tax
DELETE FROM vat_taxes v WHERE v.id = :id AND NOT EXISTS (SELECT 1 FROM trade_partners WHERE vat_group_code = v.code);

-- name: geo_areas
SELECT g.id, g.type, g.code, g.name, g.name_ar, g.parent_id FROM geo_areas g
WHERE (:type::text IS NULL OR g.type = :type) AND (:parent_id::bigint IS NULL OR g.parent_id = :parent_id)
ORDER BY g.type, g.name, g.id LIMIT :most;

-- name: count_areas
SELECT count(*) FROM geo_areas;

-- name: geo_area
SELECT id, type, code, name, name_ar, parent_id FROM geo_areas WHERE id = :id;

-- name: lock_geo_area
SELECT id, type, code, name, name_ar, parent_id FROM geo_areas WHERE id = :id FOR UPDATE;

-- name: geo_area_by_code
SELECT id, type, code, name, name_ar, parent_id FROM geo_areas WHERE code = :code;

-- name: insert_geo_area
INSERT INTO geo_areas (type, code, name, name_ar, parent_id) VALUES (:type, :code, :name, :name_ar, :parent_id)
ON CONFLICT (code) DO NOTHING RETURNING id, type, code, name, name_ar, parent_id;

-- name: save_geo_area
UPDATE geo_areas SET code = :code, name = :name, name_ar = :name_ar, parent_id = :parent_id, updated_at = app_now()
WHERE id = :id RETURNING id, type, code, name, name_ar, parent_id;

-- name: delete_geo_area
DELETE FROM geo_areas g WHERE g.id = :id AND NOT EXISTS (SELECT 1 FROM geo_areas WHERE parent_id = :id)
  AND NOT EXISTS (SELECT 1 FROM trade_partners WHERE geo_area_code = g.code);

-- name: salespeople
SELECT id, code, name, email, phone, is_active FROM salespeople ORDER BY name, id LIMIT :most;

-- name: salesperson
SELECT id, code, name, email, phone, is_active FROM salespeople WHERE id = :id;

-- name: lock_salesperson
SELECT id, code, name, email, phone, is_active FROM salespeople WHERE id = :id FOR UPDATE;

-- name: insert_salesperson
INSERT INTO salespeople (code, name, email, phone, is_active) VALUES (:code, :name, :email, :phone, :is_active)
ON CONFLICT (code) DO NOTHING RETURNING id, code, name, email, phone, is_active;

-- name: save_salesperson
UPDATE salespeople SET code = :code, name = :name, email = :email, phone = :phone, is_active = :is_active, updated_at = app_now()
WHERE id = :id RETURNING id, code, name, email, phone, is_active;

-- name: delete_salesperson
DELETE FROM salespeople WHERE id = :id AND NOT EXISTS (SELECT 1 FROM trade_partners WHERE salesperson_id = :id)
  AND NOT EXISTS (SELECT 1 FROM itineraries WHERE salesperson_id = :id);
