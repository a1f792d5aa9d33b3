-- part: columns
r.id, r.organisation_id, r.within, r.name, r.metrics, r.dimensions, r.filters, r.format, r.frequency, r.recipients, r.next_on,
  r.last_run_at, r.created_at

-- part: source
report_definitions r

-- part: of_organisation
FROM report_definitions r WHERE r.organisation_id = :organisation_id AND (:within::uuid IS NULL OR r.within = :within)

-- name: insert
INSERT INTO report_definitions (organisation_id, made_by, within, name, metrics, dimensions, filters, format, frequency,
  recipients, next_on)
VALUES (:organisation_id, :made_by, :within, :name, :metrics, :dimensions, :filters, :format, :frequency, :recipients, :next_on)
RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE r.id = :id;

-- name: due
SELECT {columns} FROM {source} JOIN parties p ON p.id = r.organisation_id
WHERE r.next_on <= organisation_today(p.timezone) ORDER BY r.next_on LIMIT 100;

-- name: ran
-- Whoever is second finds the next day set already.
UPDATE report_definitions SET last_run_at = app_now(), next_on = :next_on
WHERE id = :id AND next_on IS NOT DISTINCT FROM :was_on RETURNING id;

-- name: delete
DELETE FROM report_definitions WHERE id = :id AND organisation_id = :organisation_id RETURNING id;
