-- name: put_all
-- Notices, with the messages that carry them, each in its reader's language and by the channels that they want: a push to every app
-- and page of theirs that is signed in (to their topic where no app has said its token), the rest to their own phone or address unless one is
-- given. Nothing for an account that is closed or erased.
WITH reachable AS (
  SELECT id, phone, email FROM accounts WHERE id = ANY((SELECT :account_ids::uuid[])::uuid[]) AND is_active AND erased_at IS NULL
), wishes AS (
  SELECT account_id, technician_id, sms, email, push, language FROM message_settings
  WHERE account_id = ANY((SELECT :account_ids::uuid[])::uuid[]) OR technician_id = ANY((SELECT :technician_ids::uuid[])::uuid[])
), apps AS (
  SELECT t.token, t.kind, t.p256dh, t.auth, t.account_id, t.technician_id FROM push_tokens t JOIN sessions s ON s.id = t.session_id
  WHERE (t.account_id = ANY((SELECT :account_ids::uuid[])::uuid[]) OR t.technician_id = ANY((SELECT :technician_ids::uuid[])::uuid[]))
    AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
), notices AS (
  SELECT n.n, n.account_id, n.technician_id, n.booking_id, n.type, n.metadata, r.phone, r.email,
    coalesce(n.titles ->> w.language, n.titles ->> 'en') AS title,
    coalesce(n.messages ->> w.language, n.messages ->> 'en') AS message,
    coalesce(w.sms, true) AS by_sms, coalesce(w.email, true) AS by_email, coalesce(w.push, true) AS by_push
  FROM unnest((SELECT :account_ids::uuid[]), :technician_ids::uuid[], :booking_ids::uuid[], :types::text[], :titles::jsonb[],
    :messages::jsonb[], :metadata::jsonb[]) WITH ORDINALITY
    AS n (account_id, technician_id, booking_id, type, titles, messages, metadata, n)
  LEFT JOIN reachable r ON r.id = n.account_id
  LEFT JOIN wishes w ON w.account_id = n.account_id OR w.technician_id = n.technician_id
  WHERE n.account_id IS NULL OR r.id IS NOT NULL
), carried AS (
  INSERT INTO outbox (channel, stream, recipient, template, body, data, account_id)
  SELECT c.channel, c.stream || sent.suffix, sent.recipient, 'notification', n.title || ': ' || n.message,
    c.data || jsonb_build_object('title', n.title, 'message', n.message) || sent.data, n.account_id
  FROM unnest((SELECT :notice_numbers::int[]), :channels::text[], :streams::text[], :recipients::text[], :data::jsonb[]) WITH ORDINALITY
    AS c (notice, channel, stream, recipient, data, n)
  JOIN notices n ON n.n = c.notice
  CROSS JOIN LATERAL (
    SELECT coalesce(c.recipient, n.phone) AS recipient, '' AS suffix, '{}'::jsonb AS data WHERE c.channel = 'sms' AND n.by_sms
    UNION ALL
    SELECT coalesce(c.recipient, n.email), '', '{}'::jsonb WHERE c.channel = 'email' AND n.by_email
    UNION ALL
    SELECT c.recipient, ':' || md5(a.token), jsonb_build_object('token', a.token)
      || CASE a.kind WHEN 'page' THEN jsonb_build_object('page', jsonb_build_object('p256dh', a.p256dh, 'auth', a.auth)) ELSE '{}' END
    FROM apps a
    WHERE c.channel = 'push' AND n.by_push AND (a.account_id = n.account_id OR a.technician_id = n.technician_id)
    UNION ALL
    SELECT c.recipient, '', '{}'::jsonb
    WHERE c.channel = 'push' AND n.by_push
      AND NOT EXISTS (SELECT FROM apps a WHERE a.kind = 'app' AND (a.account_id = n.account_id OR a.technician_id = n.technician_id))
  ) AS sent
  WHERE sent.recipient IS NOT NULL
  ORDER BY c.n
)
INSERT INTO notifications (account_id, technician_id, booking_id, type, title, message, metadata)
SELECT account_id, technician_id, booking_id, type, title, message, metadata FROM notices ORDER BY n;

-- name: about
-- What a message about a booking may say, and to whom it goes. A technician given by name is one of an earlier offer.
SELECT b.number, b.account_id, a.is_active AND a.erased_at IS NULL AS is_reachable,
       b.local_date, b.local_time, b.address ->> 'city' AS city,
       p.id AS technician_id, p.name AS technician_name, p.phone AS technician_phone
FROM bookings b JOIN accounts a ON a.id = b.account_id
LEFT JOIN parties p ON p.id = coalesce(:technician_id::uuid, b.technician_id,
  (SELECT o.technician_id FROM offers o WHERE o.booking_id = b.id AND o.state = 'open')) AND p.kind = 'technician'
WHERE b.id = :booking_id;

-- part: columns
n.id, n.booking_id, n.type, n.title, n.message, n.is_read, n.metadata, n.created_at

-- part: source
notifications n

-- part: of_account
FROM notifications n WHERE n.account_id = :account_id

-- part: of_technician
FROM notifications n WHERE n.technician_id = :technician_id

-- name: mark_read
UPDATE notifications n SET is_read = true
WHERE n.id = :id AND (n.account_id = :owner_id OR n.technician_id = :owner_id)
RETURNING {columns};

-- name: purge
-- A part of what is older than so many days.
DELETE FROM notifications WHERE id IN
  (SELECT id FROM notifications WHERE created_at < app_now() - make_interval(days => :days) LIMIT :most);
