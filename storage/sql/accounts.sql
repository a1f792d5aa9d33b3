-- name: sign_in
-- First sign-in makes the account: a phone that answered a code is verified. Whoever is second finds the row.
INSERT INTO accounts (phone, is_verified, last_login_at) VALUES (:phone, true, app_now())
ON CONFLICT (phone) DO UPDATE SET
  is_verified = accounts.is_verified OR accounts.is_active,
  last_login_at = CASE WHEN accounts.is_active THEN app_now() ELSE accounts.last_login_at END
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: get
SELECT id, phone, email, name, avatar_url, is_verified, is_active, created_at FROM accounts
WHERE id = :id AND erased_at IS NULL;

-- name: by_phone
SELECT id, phone, email, name, avatar_url, is_verified, is_active, created_at FROM accounts
WHERE phone = :phone AND erased_at IS NULL;

-- name: by_email
-- Those who sign in with a password come first: only their address is unique.
SELECT id, phone, email, name, avatar_url, is_verified, is_active, created_at FROM accounts
WHERE lower(email) = lower(:email) AND erased_at IS NULL
ORDER BY password_hash IS NULL, created_at LIMIT 1;

-- name: lock
SELECT id, phone, email, name, avatar_url, is_verified, is_active, created_at FROM accounts
WHERE id = :id AND erased_at IS NULL FOR UPDATE;

-- name: update_profile
UPDATE accounts SET name = CASE WHEN :sets_name THEN :name ELSE name END,
                    email = CASE WHEN :sets_email THEN :email ELSE email END, updated_at = app_now()
WHERE id = :id AND erased_at IS NULL
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: set_phone
UPDATE accounts SET phone = :phone, is_verified = true, updated_at = app_now() WHERE id = :id AND erased_at IS NULL
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: set_active
UPDATE accounts SET is_active = :is_active, blocked_reason = CASE WHEN :is_active THEN NULL ELSE :reason END,
                    updated_at = app_now()
WHERE id = :id AND erased_at IS NULL
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: insert
INSERT INTO accounts (phone, email, name, is_verified) VALUES (:phone, :email, :name, true)
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: membership
-- The account's active tie to a realm; the contract's other portals have one per party.
SELECT id, role, status FROM memberships WHERE account_id = :account_id AND realm = :realm
ORDER BY status = 'active' DESC, created_at LIMIT 1;

-- name: add_membership
INSERT INTO memberships (account_id, realm, role) VALUES (:account_id, :realm, :role)
ON CONFLICT (account_id, realm, party_id) DO UPDATE SET status = 'active'
RETURNING id, role, status;
