-- name: insert
-- None where the same was asked for before.
INSERT INTO partner_imports (made_by, may_credit, updates, total, ignored, asked)
VALUES (:made_by, :may_credit, :updates, :total, :ignored, :asked)
ON CONFLICT (asked) DO NOTHING RETURNING id;

-- name: of_asked
SELECT {columns} FROM partner_imports i WHERE i.asked = :asked;

-- name: add_rows
-- Those without a form have failed already.
INSERT INTO partner_import_rows (import_id, line, given, result, message, errors)
SELECT :import_id, r.line, CASE WHEN r.has_form THEN r.given END, CASE WHEN r.has_form THEN 'pending' ELSE 'failed' END, r.message, r.errors
FROM unnest(:lines::int[], :has_forms::boolean[], :given::jsonb[], :messages::text[], :errors::jsonb[])
  AS r (line, has_form, given, message, errors);

-- part: columns
i.id, i.made_by, i.may_credit, i.updates, i.total, i.ignored, i.state, i.created_at, i.finished_at

-- name: get
SELECT {columns} FROM partner_imports i WHERE i.id = :id;

-- name: lock
-- Whoever works on a table holds it for a row: a node that was thought dead and the one after it never take the same row.
SELECT {columns} FROM partner_imports i WHERE i.id = :id FOR UPDATE;

-- name: next_row
SELECT line, given FROM partner_import_rows WHERE import_id = :import_id AND result = 'pending' ORDER BY line LIMIT 1;

-- name: settle
-- What was given is in the partner now, or in its sender's file: it is not kept twice.
UPDATE partner_import_rows SET given = '{}', result = :result, partner_no = :partner_no, message = :message, errors = :errors
WHERE import_id = :import_id AND line = :line AND result = 'pending';

-- name: finish
UPDATE partner_imports SET state = 'completed', finished_at = app_now() WHERE id = :id AND state = 'processing';

-- name: rows_of
SELECT r.line, r.result, r.partner_no, t.code AS partner_code, r.message, r.errors
FROM partner_import_rows r LEFT JOIN trade_partners t ON t.no = r.partner_no
WHERE r.import_id = :import_id ORDER BY r.line;

-- name: purge
-- A part of what was asked for so many days ago, with its rows.
DELETE FROM partner_imports WHERE id IN
  (SELECT id FROM partner_imports WHERE created_at < app_now() - make_interval(days => :days) ORDER BY created_at LIMIT :most);
