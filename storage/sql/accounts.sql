-- name: part_phone
-- An account whose mailbox is somebody's and whose phone nobody has proved lets go of the phone: two people never share one.
UPDATE accounts SET phone = NULL, updated_at = app_now()
WHERE phone = :phone AND is_active AND NOT is_verified AND password_hash IS NOT NULL AND email_is_proved;

-- name: sign_in
-- First sign-in makes the account: a phone that answered a code is verified. Whoever is second finds the row. Of an account
-- that somebody else made for this phone, a password that they chose, the address that it goes with and links are dropped.
WITH made_by_others AS (
  SELECT id FROM accounts WHERE phone = :phone AND is_active AND NOT is_verified AND NOT email_is_proved
), ended AS (
  UPDATE password_links SET used_at = clock_timestamp() WHERE account_id IN (SELECT id FROM made_by_others) AND used_at IS NULL
)
INSERT INTO accounts (phone, is_verified, last_login_at) VALUES (:phone, true, app_now())
ON CONFLICT (phone) DO UPDATE SET
  is_verified = accounts.is_verified OR accounts.is_active,
  email = CASE WHEN accounts.is_active AND NOT accounts.is_verified AND accounts.password_hash IS NOT NULL
    AND NOT accounts.email_is_proved THEN NULL ELSE accounts.email END,
  password_hash = CASE WHEN accounts.is_active AND NOT accounts.is_verified AND NOT accounts.email_is_proved THEN NULL
    ELSE accounts.password_hash END,
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
-- Links that set a password were sent to the address of then, and are over with it.
WITH moved AS (
  SELECT id FROM accounts WHERE id = :id AND :sets_email AND lower(email) IS DISTINCT FROM lower(:email)
), ended AS (
  UPDATE password_links SET used_at = clock_timestamp() WHERE account_id IN (SELECT id FROM moved) AND used_at IS NULL
)
UPDATE accounts SET name = CASE WHEN :sets_name THEN :name ELSE name END,
                    email = CASE WHEN :sets_email THEN :email ELSE email END, updated_at = app_now(),
                    email_is_proved = email_is_proved AND (NOT :sets_email OR lower(email) IS NOT DISTINCT FROM lower(:email))
WHERE id = :id AND erased_at IS NULL
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: fill_profile
-- What is empty takes what its owner wrote elsewhere. An address that signs in is left to its own form.
UPDATE accounts SET name = coalesce(nullif(name, ''), :name),
  email = CASE WHEN password_hash IS NULL THEN coalesce(nullif(email, ''), :email) ELSE email END, updated_at = app_now()
WHERE id = :id AND erased_at IS NULL;

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

-- name: credentials
-- Who signs in with this e-mail address and a password; addresses of those who have one are unique.
SELECT id, password_hash, is_active, must_change_password FROM accounts
WHERE lower(email) = lower(:email) AND password_hash IS NOT NULL AND erased_at IS NULL;

-- name: set_password
-- What the mailbox has proved once stays proved, whoever sets the next one. Whoever showed an old one replaces that one only:
-- it may have been replaced since it was compared.
UPDATE accounts SET password_hash = :password_hash, must_change_password = :must_change,
  email_is_proved = email_is_proved OR :proves_email, updated_at = app_now()
WHERE id = :id AND erased_at IS NULL AND (:replaces::text IS NULL OR password_hash = :replaces) RETURNING id;

-- name: memberships_of
-- The active ties of an account, with whom they tie it to.
SELECT m.id, m.account_id, m.realm, m.role, m.permissions, m.party_id, p.name AS party_name
FROM memberships m LEFT JOIN parties p ON p.id = m.party_id
WHERE m.account_id = :account_id AND m.status = 'active' AND p.deleted_at IS NULL ORDER BY m.created_at, m.id;

-- name: tie
-- One active tie of an account that may sign in.
SELECT m.id, m.account_id, m.realm, m.role, m.permissions, m.party_id, p.name AS party_name
FROM memberships m JOIN accounts a ON a.id = m.account_id LEFT JOIN parties p ON p.id = m.party_id
WHERE m.id = :id AND m.status = 'active' AND p.deleted_at IS NULL AND a.is_active AND a.erased_at IS NULL;

-- name: credentials_of
SELECT id, password_hash, is_active, must_change_password FROM accounts
WHERE id = :id AND password_hash IS NOT NULL AND erased_at IS NULL;

-- name: signed_in
-- Nobody, where the password that was compared is no longer the one, or the account was blocked since. The row is held: a new
-- password waits, and ends what is opened now.
UPDATE accounts SET last_login_at = app_now()
WHERE id = :id AND password_hash = :password_hash AND is_active AND erased_at IS NULL RETURNING id;

-- name: switched
UPDATE accounts SET last_login_at = app_now() WHERE id = :id AND is_active AND erased_at IS NULL
RETURNING id, phone, email, name, avatar_url, is_verified, is_active, created_at;

-- name: lock_address
-- Two that make an account of one address wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended('address:' || lower(:email), 0));

-- name: of_invitation
-- Whose an e-mail address is where people sign in with one: an address in a customer's profile proves nothing, so only
-- those count whose password came from that mailbox, or that were made for it and have no phone to sign in with.
SELECT id, phone, email, name, avatar_url, is_verified, is_active, created_at FROM accounts a
WHERE lower(email) = lower(:email) AND erased_at IS NULL
  AND (password_hash IS NOT NULL AND email_is_proved
    OR phone IS NULL AND (EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)
                          OR EXISTS (SELECT FROM erp_customers c WHERE c.account_id = a.id)))
ORDER BY password_hash IS NULL, created_at LIMIT 1;

-- name: has_password
SELECT password_hash IS NOT NULL FROM accounts WHERE id = :id;

-- name: drop_unproved
-- Passwords under an address that did not come from its mailbox; gives whose they were.
UPDATE accounts SET password_hash = NULL, updated_at = app_now()
WHERE lower(email) = lower(:email) AND password_hash IS NOT NULL AND NOT email_is_proved AND erased_at IS NULL
RETURNING id;

-- name: join_party
-- A tie to one party of a realm; one that has ended begins anew.
INSERT INTO memberships (account_id, realm, party_id, role, permissions, status)
VALUES (:account_id, :realm, :party_id, :role, :permissions, :status)
ON CONFLICT (account_id, realm, party_id) DO UPDATE SET role = EXCLUDED.role, permissions = EXCLUDED.permissions,
  status = EXCLUDED.status
RETURNING id;

-- name: set_contact
-- What people say of themselves: a phone that nobody has verified is a preference, and nothing is proved by it.
UPDATE accounts SET name = coalesce(:name, name), updated_at = app_now(),
  prefs = CASE WHEN :phone::text IS NULL THEN prefs ELSE prefs || jsonb_build_object('contact_phone', :phone::text) END
WHERE id = :id AND erased_at IS NULL;

-- name: contact
SELECT name, email, coalesce(prefs ->> 'contact_phone', phone) AS phone, avatar_url, updated_at FROM accounts
WHERE id = :id AND erased_at IS NULL;
