-- part: columns
d.id, d.organisation_id, d.name, d.code, d.description, d.manager_id,
  coalesce(nullif(trim(concat_ws(' ', m.first_name, m.last_name)), ''), d.manager_name) AS manager_name,
  coalesce(m.email, d.manager_email) AS manager_email, d.allowed_services, d.approval_required,
  (SELECT coalesce(array_agg(a.member_id ORDER BY a.member_id), '{}') FROM department_approvers a
   WHERE a.department_id = d.id) AS approvers, d.created_at

-- part: source
departments d LEFT JOIN members m ON m.id = d.manager_id

-- part: series
SELECT FROM bulk_bookings b WHERE b.organisation_id = d.organisation_id AND b.department_id = d.id AND b.program_id IS NULL
  AND b.status IN ('pending_approval', 'active', 'paused')

-- name: insert
INSERT INTO departments (organisation_id, name, code, description, manager_id, manager_name, manager_email,
  allowed_services, approval_required)
VALUES (:organisation_id, :name, :code, :description, :manager_id, :manager_name, :manager_email, :allowed_services,
  :approval_required) RETURNING id;

-- name: change
UPDATE departments SET name = :name, code = :code, description = :description, manager_id = :manager_id,
  manager_name = :manager_name, manager_email = :manager_email, allowed_services = :allowed_services,
  approval_required = :approval_required, updated_at = app_now()
WHERE id = :id AND organisation_id = :organisation_id AND deleted_at IS NULL RETURNING id;

-- name: add_approvers
INSERT INTO department_approvers (department_id, organisation_id, member_id)
SELECT :department_id, :organisation_id, a FROM unnest(:members::uuid[]) AS a;

-- name: drop_approvers
DELETE FROM department_approvers WHERE department_id = :department_id;

-- name: get
SELECT {columns} FROM {source} WHERE d.id = :id AND d.organisation_id = :organisation_id AND d.deleted_at IS NULL;

-- name: lock
SELECT d.id FROM departments d WHERE d.id = :id AND d.organisation_id = :organisation_id AND d.deleted_at IS NULL FOR UPDATE;

-- name: hold
-- It is not deleted until the transaction ends. Whoever changes it waits for nobody here: they hold the organisation's row, which
-- whoever is here may need next.
SELECT d.id FROM departments d WHERE d.id = :id AND d.organisation_id = :organisation_id AND d.deleted_at IS NULL FOR KEY SHARE;

-- name: of_organisation
SELECT {columns} FROM {source} WHERE d.organisation_id = :organisation_id AND d.deleted_at IS NULL
  AND (:within::uuid IS NULL OR d.id = :within) ORDER BY d.name, d.id;

-- name: by_names
-- Departments as people write them in a table: by code or by name.
SELECT d.id, lower(d.code) AS code, lower(d.name) AS name FROM departments d
WHERE d.organisation_id = :organisation_id AND d.deleted_at IS NULL;

-- name: delete
UPDATE departments d SET deleted_at = app_now()
WHERE d.id = :id AND d.organisation_id = :organisation_id AND d.deleted_at IS NULL AND NOT EXISTS (
  SELECT FROM members m WHERE m.department_id = d.id AND m.removed_at IS NULL) AND NOT EXISTS ({series}) RETURNING d.id;

-- name: has_series
-- Whether something is still asked for that it pays.
SELECT EXISTS (SELECT FROM departments d WHERE d.id = :id AND EXISTS ({series}));

-- name: stats
-- Members, and this month's bookings and money, of each department.
SELECT d.id,
  (SELECT count(*) FROM members m WHERE m.department_id = d.id AND m.removed_at IS NULL)::int AS members,
  (SELECT count(*) FROM members m JOIN memberships s ON s.id = m.id
   WHERE m.department_id = d.id AND s.status = 'active')::int AS active,
  (SELECT count(*) FROM bookings b WHERE b.organisation_id = d.organisation_id AND b.department_id = d.id
     AND b.local_date >= :month AND b.local_date < :month + interval '1 month' AND b.status <> 'cancelled')::int AS bookings
FROM departments d WHERE d.organisation_id = :organisation_id AND d.deleted_at IS NULL;
