-- part: columns
f.id, f.entity_type, f.field_name, f.field_label, f.field_type, f.options, f.is_required, f.is_active, f.position, f.created_at,
  f.updated_at

-- name: of_entity
-- In their order; without a type those of all entities.
SELECT {columns} FROM custom_fields f
WHERE (:entity_type::text IS NULL OR f.entity_type = :entity_type) AND (f.is_active OR :with_inactive::boolean)
ORDER BY f.entity_type, f.position, f.id;

-- name: get
SELECT {columns} FROM custom_fields f WHERE f.id = :id;

-- name: lock
SELECT {columns} FROM custom_fields f WHERE f.id = :id FOR UPDATE;

-- name: insert
INSERT INTO custom_fields AS f (entity_type, field_name, field_label, field_type, options, is_required, is_active, position)
VALUES (:entity_type, :field_name, :field_label, :field_type, :options, :is_required, :is_active,
  coalesce(:position, (SELECT coalesce(max(o.position), 0) + 1 FROM custom_fields o WHERE o.entity_type = :entity_type)))
ON CONFLICT ON CONSTRAINT custom_fields_name DO NOTHING
RETURNING {columns};

-- name: save
UPDATE custom_fields AS f SET field_name = :field_name, field_label = :field_label, options = :options,
  is_required = :is_required, is_active = :is_active, position = :position, updated_at = app_now()
WHERE f.id = :id RETURNING {columns};

-- name: delete
DELETE FROM custom_fields WHERE id = :id;

-- name: reorder
-- The named ones come first, in the order in which they are named; gives how many of them there are.
WITH ordered AS (
  SELECT f.id, row_number() OVER (ORDER BY array_position(:ids::bigint[], f.id), f.position, f.id) AS position
  FROM custom_fields f WHERE f.entity_type = (SELECT entity_type FROM custom_fields WHERE id = (:ids::bigint[])[1])
), moved AS (
  UPDATE custom_fields f SET position = o.position, updated_at = app_now() FROM ordered o WHERE o.id = f.id RETURNING f.id
)
SELECT count(*) FROM moved WHERE id = ANY(:ids::bigint[]);

-- name: values_of
SELECT v.entity_id, v.field_id, f.field_name, f.field_label, f.field_type, v.value
FROM custom_field_values v JOIN custom_fields f ON f.id = v.field_id
WHERE v.entity_id = ANY(:entity_ids::text[]) AND f.entity_type = :entity_type ORDER BY f.position, f.id;

-- name: has_product
SELECT EXISTS (SELECT 1 FROM services WHERE id = :id AND deleted_at IS NULL);

-- name: put_values
INSERT INTO custom_field_values (field_id, entity_id, value)
SELECT v.field_id, :entity_id, v.value FROM unnest(:field_ids::bigint[], :values::text[]) AS v (field_id, value)
ON CONFLICT (field_id, entity_id) DO UPDATE SET value = EXCLUDED.value, updated_at = app_now();

-- name: drop_values
DELETE FROM custom_field_values WHERE entity_id = :entity_id AND field_id = ANY(:field_ids::bigint[]);
