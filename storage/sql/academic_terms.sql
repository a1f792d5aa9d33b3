-- name: insert
INSERT INTO academic_terms (organisation_id, name, academic_year, starts_on, ends_on, holidays)
VALUES (:organisation_id, :name, :academic_year, :starts_on, :ends_on, :holidays) RETURNING id;

-- name: of_organisation
SELECT id, name, academic_year, starts_on, ends_on, holidays FROM academic_terms
WHERE organisation_id = :organisation_id ORDER BY starts_on;

-- name: of_year
SELECT id, name, academic_year, starts_on, ends_on, holidays FROM academic_terms
WHERE organisation_id = :organisation_id AND lower(academic_year) = lower(:academic_year) ORDER BY starts_on;

-- name: delete
DELETE FROM academic_terms WHERE id = :id AND organisation_id = :organisation_id RETURNING id;
