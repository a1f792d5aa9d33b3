-- name: put_link
INSERT INTO password_links (token_hash, account_id, membership_id, expires_at)
VALUES (:token_hash, :account_id, :membership_id, clock_timestamp() + make_interval(secs => :life_s::float8))
RETURNING id;

-- name: use_link
-- Once, and only while its account may sign in.
UPDATE password_links l SET used_at = clock_timestamp() FROM accounts a
WHERE l.token_hash = :token_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp()
  AND a.id = l.account_id AND a.is_active AND a.erased_at IS NULL
RETURNING l.account_id;

-- name: join_by
-- Whoever uses the link of an invitation belongs to it from now on; any link shows that the mailbox is theirs, which is all
-- that the ERP and apps wait for.
UPDATE memberships m SET status = 'active', joined_at = app_now(), updated_at = app_now() FROM password_links l
WHERE l.token_hash = :token_hash AND m.status = 'pending'
  AND (m.id = l.membership_id OR m.account_id = l.account_id AND m.realm IN ('erp', 'integration'));

-- name: find_link
-- What a link is for, while it may be used.
SELECT a.email, p.name AS party_name, l.membership_id IS NOT NULL AS is_invitation
FROM password_links l JOIN accounts a ON a.id = l.account_id LEFT JOIN memberships m ON m.id = l.membership_id
  LEFT JOIN parties p ON p.id = m.party_id
WHERE l.token_hash = :token_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp() AND a.is_active AND a.erased_at IS NULL;

-- name: end_links
-- `spares_invitations`: those who were asked in by several follow each one's link.
UPDATE password_links SET used_at = clock_timestamp()
WHERE account_id = :account_id AND used_at IS NULL AND (membership_id IS NULL OR NOT :spares_invitations);

-- name: end_invitations
UPDATE password_links SET used_at = clock_timestamp() WHERE membership_id = :membership_id AND used_at IS NULL;

-- name: purge
DELETE FROM password_links WHERE expires_at < clock_timestamp() - interval '30 days';
