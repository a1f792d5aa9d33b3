-- part: columns
a.id, a.posting_id, j.organisation_id, j.title, a.member_id, trim(concat_ws(' ', m.first_name, m.last_name)) AS name, m.email,
  m.removed_at IS NULL AND s.status = 'active' AS is_member, a.phone, a.message, a.status, a.note, a.decided_at, a.technician_id, a.created_at

-- part: source
job_applications a JOIN job_postings j ON j.id = a.posting_id JOIN members m ON m.id = a.member_id JOIN memberships s ON s.id = m.id

-- part: of_posting
FROM job_applications a WHERE a.posting_id = :posting_id

-- name: insert
-- Who took an application back may apply again.
INSERT INTO job_applications (posting_id, member_id, phone, message) VALUES (:posting_id, :member_id, :phone, :message)
ON CONFLICT (posting_id, member_id) DO UPDATE SET phone = excluded.phone, message = excluded.message, status = 'applied'
WHERE job_applications.status = 'withdrawn' RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE a.id = :id AND j.organisation_id = :organisation_id;

-- name: of_member
SELECT {columns} FROM {source} WHERE a.member_id = :member_id ORDER BY a.created_at DESC, a.id DESC LIMIT 200;

-- name: decide
UPDATE job_applications SET status = :status, note = :note, decided_by = :decided_by, technician_id = :technician_id,
  decided_at = app_now()
WHERE id = :id AND status = 'applied' RETURNING id;

-- name: withdraw
UPDATE job_applications SET status = 'withdrawn' WHERE id = :id AND member_id = :member_id AND status = 'applied' RETURNING id;
