-- part: columns
m.id, m.brand, m.last4, m.exp_month, m.exp_year, m.holder, m.is_default, m.created_at

-- name: of_party
SELECT {columns} FROM payment_methods m WHERE m.party_id = :party_id AND m.deleted_at IS NULL ORDER BY m.is_default DESC, m.created_at;

-- name: insert
INSERT INTO payment_methods AS m (party_id, brand, last4, exp_month, exp_year, holder, token, is_default)
VALUES (:party_id, :brand, :last4, :exp_month, :exp_year, :holder, :token, :is_default) RETURNING {columns};

-- name: clear_default
UPDATE payment_methods SET is_default = false WHERE party_id = :party_id AND is_default AND deleted_at IS NULL;

-- name: set_default
UPDATE payment_methods SET is_default = true WHERE id = :id AND party_id = :party_id AND deleted_at IS NULL;

-- name: remove
-- The token goes with it. Another card takes its place as the default one.
UPDATE payment_methods SET deleted_at = app_now(), token = '', is_default = false
WHERE id = :id AND party_id = :party_id AND deleted_at IS NULL;

-- name: default_newest
UPDATE payment_methods SET is_default = true
WHERE id = (SELECT id FROM payment_methods WHERE party_id = :party_id AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 1)
  AND NOT EXISTS (SELECT FROM payment_methods WHERE party_id = :party_id AND is_default AND deleted_at IS NULL);
