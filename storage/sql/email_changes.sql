-- name: put
-- The newest wish is the one that counts.
INSERT INTO email_changes (token_hash, account_id, email, expires_at)
VALUES (:token_hash, :account_id, :email, clock_timestamp() + make_interval(secs => :life_s::float8))
ON CONFLICT (account_id) WHERE used_at IS NULL
DO UPDATE SET token_hash = EXCLUDED.token_hash, email = EXCLUDED.email, expires_at = EXCLUDED.expires_at;

-- name: find
SELECT e.account_id, e.email FROM email_changes e JOIN accounts a ON a.id = e.account_id
WHERE e.token_hash = :token_hash AND e.used_at IS NULL AND e.expires_at > clock_timestamp() AND a.is_active AND a.erased_at IS NULL;

-- name: use
-- Once, and only while its account may sign in.
UPDATE email_changes e SET used_at = clock_timestamp() FROM accounts a
WHERE e.token_hash = :token_hash AND e.used_at IS NULL AND e.expires_at > clock_timestamp()
  AND a.id = e.account_id AND a.is_active AND a.erased_at IS NULL
RETURNING e.account_id, e.email;

-- name: end
UPDATE email_changes SET used_at = clock_timestamp() WHERE account_id = :account_id AND used_at IS NULL;

-- name: erase
DELETE FROM email_changes WHERE account_id = :account_id;

-- name: of_account
SELECT account_id, email FROM email_changes WHERE account_id = :account_id AND used_at IS NULL AND expires_at > clock_timestamp();

-- name: set_email
-- By a link that went to the new address; those that went to the old one and set a password are over.
WITH ended AS (
  UPDATE password_links SET used_at = clock_timestamp() WHERE account_id = :account_id AND used_at IS NULL
)
UPDATE accounts SET email = :email, email_is_proved = true, updated_at = app_now() WHERE id = :account_id AND erased_at IS NULL AND is_active;

-- name: purge
DELETE FROM email_changes WHERE expires_at < clock_timestamp() - interval '30 days';
