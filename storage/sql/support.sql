-- name: contacts
-- The lines that everybody has, and the card of one account manager.
SELECT c.id, c.kind, c.account_id, c.title, c.email, c.phone, c.mobile_phone, c.hours, c.languages, c.note
FROM support_contacts c WHERE c.account_id IS NULL OR c.account_id = :account_id OR :everybody::boolean ORDER BY c.kind, c.id;

-- name: put_contact
INSERT INTO support_contacts (kind, account_id, title, email, phone, mobile_phone, hours, languages, note)
VALUES (:kind, :account_id, :title, :email, :phone, :mobile_phone, :hours, :languages, :note)
ON CONFLICT (kind, account_id) DO UPDATE SET title = excluded.title, email = excluded.email, phone = excluded.phone,
  mobile_phone = excluded.mobile_phone, hours = excluded.hours, languages = excluded.languages, note = excluded.note,
  updated_at = app_now()
RETURNING id;

-- name: drop_contact
DELETE FROM support_contacts WHERE id = :id RETURNING id;

-- part: training
r.id, r.type, r.title, r.url, r.register_url, r.duration_minutes, r.pages, r.scheduled_at, r.seats, r.is_active, r.created_at

-- name: shown_training
SELECT {training} FROM training_resources r WHERE r.is_active AND (r.scheduled_at IS NULL OR r.scheduled_at > app_now())
ORDER BY r.scheduled_at NULLS FIRST, r.created_at DESC LIMIT 500;

-- name: all_training
SELECT {training} FROM training_resources r ORDER BY r.created_at DESC, r.id LIMIT 500;

-- name: add_training
INSERT INTO training_resources (type, title, url, register_url, duration_minutes, pages, scheduled_at, seats)
VALUES (:type, :title, :url, :register_url, :duration_minutes, :pages, :scheduled_at, :seats) RETURNING id;

-- name: change_training
UPDATE training_resources SET type = :type, title = :title, url = :url, register_url = :register_url,
  duration_minutes = :duration_minutes, pages = :pages, scheduled_at = :scheduled_at, seats = :seats, is_active = :is_active
WHERE id = :id RETURNING id;

-- name: drop_training
DELETE FROM training_resources WHERE id = :id RETURNING id;
