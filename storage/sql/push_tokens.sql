-- name: forget_of_session
-- The app's earlier token, and this one where somebody else was signed in on the same phone before.
DELETE FROM push_tokens WHERE (session_id = :session_id OR token = :token) AND NOT (session_id = :session_id AND token = :token);

-- name: put
INSERT INTO push_tokens (token, session_id, account_id, technician_id, platform, kind, p256dh, auth)
VALUES (:token, :session_id, :account_id, :technician_id, :platform, :kind, :p256dh, :auth)
ON CONFLICT (token) DO UPDATE SET session_id = :session_id, account_id = :account_id, technician_id = :technician_id,
  platform = :platform, kind = :kind, p256dh = :p256dh, auth = :auth, seen_at = clock_timestamp();

-- name: delete
DELETE FROM push_tokens WHERE token = :token AND (account_id = :account_id::uuid OR technician_id = :technician_id::uuid);

-- name: drop
-- The push service no longer knows this app.
DELETE FROM push_tokens WHERE token = :token;

-- name: of_account
SELECT token, platform, created_at, seen_at FROM push_tokens WHERE account_id = :account_id ORDER BY created_at;

-- name: erase
DELETE FROM push_tokens WHERE account_id = :account_id;
