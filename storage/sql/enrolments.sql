-- name: insert
INSERT INTO enrolments (organisation_id, made_by, role, within, department_id, access_level)
VALUES (:organisation_id, :made_by, :role, :within, :department_id, :access_level) RETURNING id;

-- name: add_rows
INSERT INTO enrolment_rows (enrolment_id, row, data)
SELECT :enrolment_id, r.row, r.data FROM unnest(:numbers::int[], :data::jsonb[]) AS r (row, data);

-- name: set_total
UPDATE enrolments SET total = :total WHERE id = :id;

-- name: get
SELECT e.id, e.organisation_id, e.made_by, e.role, e.within, e.department_id, e.access_level, e.state, e.total, e.created_at,
  e.finished_at,
  (SELECT count(*) FROM enrolment_rows r WHERE r.enrolment_id = e.id AND r.status = 'success')::int AS successful,
  (SELECT count(*) FROM enrolment_rows r WHERE r.enrolment_id = e.id AND r.status = 'failed')::int AS failed
FROM enrolments e WHERE e.id = :id;

-- name: next_rows
-- Whoever takes them holds them: a node that was thought dead and the one after it never enrol the same row.
SELECT row, data FROM enrolment_rows WHERE enrolment_id = :enrolment_id AND status = 'pending'
ORDER BY row LIMIT :most FOR UPDATE;

-- name: settle
UPDATE enrolment_rows r SET status = CASE WHEN s.member_id IS NULL THEN 'failed' ELSE 'success' END,
  member_id = s.member_id, error = s.error
FROM unnest(:numbers::int[], :members::uuid[], :errors::text[]) AS s (row, member_id, error)
WHERE r.enrolment_id = :enrolment_id AND r.row = s.row;

-- name: finish
UPDATE enrolments SET state = 'completed', finished_at = app_now() WHERE id = :id AND state = 'processing';

-- part: row_columns
r.enrolment_id, r.row, r.data, r.status, r.member_id, r.error

-- part: row_source
-- Numbers of rows are told apart within one enrolment only.
(SELECT * FROM enrolment_rows WHERE enrolment_id = :enrolment_id) r

-- part: rows_of
FROM enrolment_rows r WHERE r.enrolment_id = :enrolment_id

-- name: first_rows
SELECT {row_columns} FROM {row_source} WHERE r.enrolment_id = :enrolment_id AND r.status <> 'pending' ORDER BY r.row LIMIT :most;

-- name: failed_rows
SELECT {row_columns} FROM {row_source} WHERE r.enrolment_id = :enrolment_id AND r.status = 'failed' ORDER BY r.row LIMIT :most;
