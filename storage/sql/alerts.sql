-- name: raise_alert
-- No row: it is open already.
INSERT INTO alerts (kind, booking_id, technician_id, subject, message)
VALUES (:kind, :booking_id, :technician_id, :subject, :message)
ON CONFLICT (kind, booking_id, subject) WHERE resolved_at IS NULL DO NOTHING;

-- name: resolve_of_booking
UPDATE alerts SET resolved_at = app_now() WHERE booking_id = :booking_id AND kind = ANY(:kinds) AND resolved_at IS NULL;

-- name: resolve_of_subject
UPDATE alerts SET resolved_at = app_now() WHERE subject = :subject AND kind = ANY(:kinds) AND resolved_at IS NULL;

-- name: open
SELECT id, kind, booking_id, technician_id, subject, message, created_at FROM alerts WHERE resolved_at IS NULL
ORDER BY created_at DESC LIMIT :limit;
