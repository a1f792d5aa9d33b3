-- part: is_staff
-- Who has left the house is not written to any more.
EXISTS (SELECT FROM memberships w WHERE w.account_id = a.id AND w.realm = 'admin' AND w.status = 'active')

-- part: columns
t.id, t.number, t.organisation_id, p.name AS organisation_name, t.opened_by,
  coalesce(nullif(trim(concat_ws(' ', m.first_name, m.last_name)), ''), m.email) AS opened_by_name, t.subject, t.category,
  t.priority, t.urgency, t.description, t.attachments, t.affected, t.booking_id, t.status, t.assigned_to,
  a.name AS assigned_name, CASE WHEN {is_staff} THEN a.email END AS assigned_email, t.due_at, t.answered_at, t.resolved_at, t.created_at,
  m.department_id AS opened_within

-- part: source
support_tickets t JOIN parties p ON p.id = t.organisation_id LEFT JOIN members m ON m.id = t.opened_by
  LEFT JOIN accounts a ON a.id = t.assigned_to

-- part: of_organisation
FROM support_tickets t LEFT JOIN members m ON m.id = t.opened_by
WHERE t.organisation_id = :organisation_id AND (:within::uuid IS NULL OR m.department_id = :within)

-- part: everybodys
FROM support_tickets t WHERE true

-- name: insert
INSERT INTO support_tickets (number, organisation_id, opened_by, subject, category, priority, urgency, description,
  attachments, affected, booking_id, assigned_to, due_at)
VALUES (:number, :organisation_id, :opened_by, :subject, :category, :priority, :urgency, :description, :attachments, :affected,
  :booking_id, :assigned_to, app_now() + make_interval(hours => :hours::int)) RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE t.id = :id;

-- name: lock
SELECT {columns} FROM {source} WHERE t.id = :id FOR UPDATE OF t;

-- name: reply
INSERT INTO ticket_replies (ticket_id, is_staff, author, author_name, message, attachments)
VALUES (:ticket_id, :is_staff, :author, :author_name, :message, :attachments) RETURNING id;

-- name: replies
SELECT id, is_staff, author_name, message, attachments, created_at FROM ticket_replies
WHERE ticket_id = :ticket_id ORDER BY created_at, id;

-- name: answered
-- The promise is about the first answer.
UPDATE support_tickets SET answered_at = coalesce(answered_at, app_now()), updated_at = app_now() WHERE id = :id;

-- name: set_status
UPDATE support_tickets SET status = :status, updated_at = app_now(),
  resolved_at = CASE WHEN :status IN ('resolved', 'closed') THEN coalesce(resolved_at, app_now()) END
WHERE id = :id;

-- name: assign
UPDATE support_tickets SET assigned_to = :account_id, updated_at = app_now() WHERE id = :id;

-- name: is_ours
-- Whether a booking is the organisation's.
SELECT EXISTS (SELECT FROM bookings WHERE id = :booking_id AND organisation_id = :organisation_id);
