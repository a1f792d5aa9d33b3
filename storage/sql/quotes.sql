-- part: columns
q.id, q.number, q.organisation_id, p.name AS organisation_name, q.department_id, q.member_id, q.service_type, q.description,
  q.requirements, q.budget, q.additional_info, q.status, q.account_manager_id, q.service_id, q.currency, q.price_minor,
  q.valid_until, q.terms, q.answered_at, q.decided_at, q.created_at

-- part: source
quotes q JOIN parties p ON p.id = q.organisation_id

-- part: of_organisation
FROM quotes q WHERE q.organisation_id = :organisation_id AND (:within::uuid IS NULL OR q.department_id = :within)

-- part: every
FROM quotes q WHERE true

-- name: insert
INSERT INTO quotes (number, organisation_id, department_id, member_id, service_type, description, requirements, budget,
  additional_info, account_manager_id)
VALUES (:number, :organisation_id, :department_id, :member_id, :service_type, :description, :requirements, :budget,
  :additional_info, :account_manager_id) RETURNING id;

-- name: get
SELECT {columns} FROM {source}
WHERE q.id = :id AND (:organisation_id::uuid IS NULL OR q.organisation_id = :organisation_id);

-- name: lock
SELECT {columns} FROM {source}
WHERE q.id = :id AND (:organisation_id::uuid IS NULL OR q.organisation_id = :organisation_id) FOR UPDATE OF q;

-- name: answer
UPDATE quotes SET status = 'quoted', service_id = :service_id, currency = :currency, price_minor = :price_minor,
  valid_until = :valid_until, terms = :terms, answered_by = :answered_by, answered_at = app_now()
WHERE id = :id AND status IN ('pending', 'quoted') RETURNING id;

-- name: decide
UPDATE quotes SET status = :status, decided_by = :member_id, decided_at = app_now()
WHERE id = :id AND status = ANY(:sources::text[]) RETURNING id;
