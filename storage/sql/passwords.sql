-- name: put_link
INSERT INTO password_links (token_hash, account_id, expires_at)
VALUES (:token_hash, :account_id, clock_timestamp() + make_interval(secs => :life_s::float8));

-- name: use_link
-- Once, and only while its account may sign in.
UPDATE password_links l SET used_at = clock_timestamp() FROM accounts a
WHERE l.token_hash = :token_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp()
  AND a.id = l.account_id AND a.is_active AND a.erased_at IS NULL
RETURNING l.account_id;

-- name: end_links
UPDATE password_links SET used_at = clock_timestamp() WHERE account_id = :account_id AND used_at IS NULL;

-- name: purge
DELETE FROM password_links WHERE expires_at < clock_timestamp() - interval '30 days';
