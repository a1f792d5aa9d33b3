-- name: find
SELECT account_id, sealed, confirmed_at IS NOT NULL AS is_on, last_step FROM staff_totp WHERE account_id = :account_id;

-- name: begin
-- A secret that was never confirmed gives way; one that is in use does not.
INSERT INTO staff_totp (account_id, sealed) VALUES (:account_id, :sealed)
ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0, created_at = clock_timestamp()
WHERE staff_totp.confirmed_at IS NULL;

-- name: use_step
-- Each code once: a step that is not newer than the last one used is refused.
UPDATE staff_totp SET last_step = :step WHERE account_id = :account_id AND last_step < :step;

-- name: confirm
UPDATE staff_totp SET confirmed_at = clock_timestamp() WHERE account_id = :account_id AND confirmed_at IS NULL;

-- name: remove
DELETE FROM staff_totp WHERE account_id = :account_id;

-- name: forget_codes
DELETE FROM staff_recovery_codes WHERE account_id = :account_id;

-- name: put_code
INSERT INTO staff_recovery_codes (account_id, code_hash) VALUES (:account_id, :code_hash);

-- name: use_code
UPDATE staff_recovery_codes SET used_at = clock_timestamp()
WHERE account_id = :account_id AND code_hash = :code_hash AND used_at IS NULL;

-- name: codes_left
SELECT count(*) FROM staff_recovery_codes WHERE account_id = :account_id AND used_at IS NULL;
