-- part: status_now
-- What is filled, or over by the clocks of its school, is closed.
CASE WHEN j.status = 'open' AND (j.accepted = j.openings OR j.closes_on < (
    SELECT organisation_today(p.timezone) FROM parties p WHERE p.id = j.organisation_id))
  THEN 'closed' ELSE j.status END

-- part: columns
j.id, j.organisation_id, j.title, j.description, j.categories, j.tiers, j.days, j.day_starts, j.day_ends, j.openings, j.accepted, j.closes_on,
  {status_now} AS status,
  (SELECT count(*)::int FROM job_applications a WHERE a.posting_id = j.id AND a.status <> 'withdrawn') AS applications,
  j.created_at

-- part: source
job_postings j

-- part: of_organisation
FROM job_postings j WHERE j.organisation_id = :organisation_id

-- name: insert
INSERT INTO job_postings (organisation_id, title, description, categories, tiers, days, day_starts, day_ends, openings, closes_on, posted_by)
VALUES (:organisation_id, :title, :description, :categories, :tiers, :days, :day_starts, :day_ends, :openings, :closes_on, :posted_by) RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE j.id = :id AND j.organisation_id = :organisation_id;

-- name: lock
SELECT {columns} FROM {source} WHERE j.id = :id AND j.organisation_id = :organisation_id FOR UPDATE OF j;

-- name: close
UPDATE job_postings SET status = 'closed' WHERE id = :id AND status = 'open' RETURNING id;

-- name: fill
-- One opening less; none where all are taken.
UPDATE job_postings SET accepted = accepted + 1 WHERE id = :id AND accepted < openings RETURNING id;
