-- part: columns
s.sms, s.email, s.push, s.language

-- name: find
SELECT {columns} FROM message_settings s WHERE s.account_id = :account_id::uuid OR s.technician_id = :technician_id::uuid;

-- name: change_of_account
-- What is null stays, or is as nobody has said anything yet.
INSERT INTO message_settings AS s (account_id, sms, email, push, language)
VALUES (:account_id, coalesce(:sms, true), coalesce(:email, true), coalesce(:push, true), coalesce(:language, 'en'))
ON CONFLICT (account_id) DO UPDATE SET sms = coalesce(:sms, s.sms), email = coalesce(:email, s.email), push = coalesce(:push, s.push),
  language = coalesce(:language, s.language), updated_at = app_now()
RETURNING {columns};

-- name: change_of_technician
INSERT INTO message_settings AS s (technician_id, sms, email, push, language)
VALUES (:technician_id, coalesce(:sms, true), coalesce(:email, true), coalesce(:push, true), coalesce(:language, 'en'))
ON CONFLICT (technician_id) DO UPDATE SET sms = coalesce(:sms, s.sms), email = coalesce(:email, s.email),
  push = coalesce(:push, s.push), language = coalesce(:language, s.language), updated_at = app_now()
RETURNING {columns};

-- name: erase
DELETE FROM message_settings WHERE account_id = :account_id;
