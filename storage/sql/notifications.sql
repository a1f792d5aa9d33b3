-- name: put_all
-- Notices, with the messages that carry them: without a recipient to the account's own phone. Nothing for an account that is
-- closed or erased.
WITH reachable AS (
  SELECT id, phone FROM accounts WHERE id = ANY(:account_ids::uuid[]) AND is_active AND erased_at IS NULL
), carried AS (
  INSERT INTO outbox (channel, stream, recipient, template, body, data, account_id)
  SELECT m.channel, m.stream, coalesce(m.recipient, r.phone), 'notification', m.body, m.data, m.account_id
  FROM unnest(:channels::text[], :streams::text[], :recipients::text[], :bodies::text[], :data::jsonb[], :reached::uuid[])
    WITH ORDINALITY AS m (channel, stream, recipient, body, data, account_id, n)
  LEFT JOIN reachable r ON r.id = m.account_id
  WHERE coalesce(m.recipient, r.phone) IS NOT NULL AND (m.account_id IS NULL OR r.id IS NOT NULL)
  ORDER BY m.n
)
INSERT INTO notifications (account_id, technician_id, booking_id, type, title, message, metadata)
SELECT n.account_id, n.technician_id, n.booking_id, n.type, n.title, n.message, n.metadata
FROM unnest(:account_ids::uuid[], :technician_ids::uuid[], :booking_ids::uuid[], :types::text[], :titles::text[],
  :messages::text[], :metadata::jsonb[]) AS n (account_id, technician_id, booking_id, type, title, message, metadata)
WHERE n.account_id IS NULL OR n.account_id IN (SELECT id FROM reachable);

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
