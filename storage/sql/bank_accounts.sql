-- name: lock_party
-- One at a time changes where a party is paid.
SELECT id FROM parties WHERE id = :party_id AND deleted_at IS NULL FOR NO KEY UPDATE;

-- name: retire_default
-- The former account stays for the payouts that went to it.
UPDATE bank_accounts SET is_default = false, updated_at = app_now() WHERE party_id = :party_id AND is_default;

-- name: insert
-- The id comes from outside: the number is sealed to it before the row exists.
INSERT INTO bank_accounts (id, party_id, bank_name, account_name, number_enc, last4, ifsc, bank_code, routing_no, swift)
VALUES (:id, :party_id, :bank_name, :account_name, :number_enc, :last4, :ifsc, :bank_code, :routing_no, :swift)
RETURNING id, bank_name, account_name, number_enc, last4, ifsc, bank_code, routing_no, swift, created_at;

-- name: default_of
SELECT id, bank_name, account_name, number_enc, last4, ifsc, bank_code, routing_no, swift, created_at FROM bank_accounts
WHERE party_id = :party_id AND is_default;

-- name: of_payouts
-- Where payouts went, also to accounts that are no longer the party's.
SELECT id, bank_name, account_name, number_enc, last4, ifsc, bank_code, routing_no, swift, created_at FROM bank_accounts
WHERE party_id = :party_id AND id = ANY(:ids::uuid[]);
