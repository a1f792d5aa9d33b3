-- name: insert
INSERT INTO contact_submissions (account_id, name, email, phone, subject, message)
VALUES (:account_id, :name, :email, :phone, :subject, :message) RETURNING id;

-- part: columns
c.id, c.name, c.email, c.phone, c.subject, c.message, c.status, c.admin_notes, c.account_id, c.created_at, c.updated_at

-- part: source
contact_submissions c

-- part: all
FROM contact_submissions c WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE c.id = :id;

-- name: lock
SELECT {columns} FROM {source} WHERE c.id = :id FOR UPDATE;

-- name: answer
UPDATE contact_submissions SET status = :status, admin_notes = :admin_notes, updated_at = app_now() WHERE id = :id;
