-- name: raise_alert
-- No row: it is open already.
INSERT INTO alerts (kind, booking_id, technician_id, subject, message)
VALUES (:kind, :booking_id, :technician_id, :subject, :message)
ON CONFLICT (kind, booking_id, subject) WHERE resolved_at IS NULL DO NOTHING;

-- name: resolve_of_booking
UPDATE alerts SET resolved_at = app_now() WHERE booking_id = :booking_id AND kind = ANY(:kinds) AND resolved_at IS NULL;

-- name: resolve_of_subject
UPDATE alerts SET resolved_at = app_now() WHERE subject = :subject AND kind = ANY(:kinds) AND resolved_at IS NULL;

-- name: resolve_old
UPDATE alerts SET resolved_at = app_now()
WHERE kind = ANY(:kinds) AND resolved_at IS NULL AND created_at < app_now() - make_interval(hours => :hours);

-- name: open
SELECT a.id, a.kind, a.booking_id, a.technician_id, a.subject, a.message, a.created_at, b.timezone
FROM alerts a LEFT JOIN bookings b ON b.id = a.booking_id WHERE a.resolved_at IS NULL
ORDER BY a.created_at DESC LIMIT :limit;

-- part: columns
a.id, a.kind, a.booking_id, b.number AS booking_number, b.timezone, a.technician_id, p.name AS technician_name, a.subject, a.message,
a.created_at, a.resolved_at

-- part: source
alerts a LEFT JOIN bookings b ON b.id = a.booking_id LEFT JOIN parties p ON p.id = a.technician_id

-- part: all
FROM alerts a WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE a.id = :id;

-- name: resolve_one
UPDATE alerts SET resolved_at = app_now() WHERE id = :id AND resolved_at IS NULL;

-- name: count_open
SELECT kind, count(*) AS count FROM alerts WHERE resolved_at IS NULL GROUP BY kind ORDER BY count(*) DESC, kind;

-- name: tell
-- Who is on duty and has not been told of an open alert is told now: a row is a person's right to one message.
-- Alerts of an earlier shift that are older than :fresh_s are not repeated to whoever comes on duty.
INSERT INTO alert_notices (alert_id, account_id)
SELECT DISTINCT a.id, r.account_id FROM alerts a
  CROSS JOIN rota r JOIN accounts p ON p.id = r.account_id AND p.is_active AND p.erased_at IS NULL
WHERE a.resolved_at IS NULL AND a.created_at > app_now() - make_interval(secs => :fresh_s::float8)
  AND r.starts_at <= app_now() AND r.ends_at > app_now()
  AND EXISTS (SELECT FROM memberships m WHERE m.account_id = r.account_id AND m.realm = 'admin' AND m.status = 'active')
  AND NOT EXISTS (SELECT FROM alert_notices n WHERE n.alert_id = a.id AND n.account_id = r.account_id)
ORDER BY a.id, r.account_id LIMIT :limit
ON CONFLICT DO NOTHING RETURNING alert_id, account_id;

-- name: told
-- What those who are on duty are told, and how each of them is reached.
SELECT a.id AS alert_id, a.kind, a.message, p.id AS account_id, p.email,
  (SELECT array_agg(DISTINCT c) FROM rota r, unnest(r.channels) c
   WHERE r.account_id = p.id AND r.starts_at <= app_now() AND r.ends_at > app_now()) AS channels
FROM unnest(:alert_ids::uuid[], :account_ids::uuid[]) AS n (alert_id, account_id)
  JOIN alerts a ON a.id = n.alert_id JOIN accounts p ON p.id = n.account_id
ORDER BY a.created_at, a.id, p.id;
