-- name: lock_account
-- Whoever changes the addresses of an account does it alone: so there is always exactly one default.
SELECT id FROM accounts WHERE id = :account_id FOR NO KEY UPDATE;

-- name: of_account
SELECT id, label, line1, line2, city, state, postal_code, country, lat, lng, is_approximate, place_id, is_default, created_at,
  updated_at
FROM addresses WHERE account_id = :account_id AND deleted_at IS NULL
ORDER BY is_default DESC, created_at DESC, id;

-- name: count
SELECT count(*) FROM addresses WHERE account_id = :account_id AND deleted_at IS NULL;

-- name: get
SELECT id, label, line1, line2, city, state, postal_code, country, lat, lng, is_approximate, place_id, is_default, created_at,
  updated_at
FROM addresses WHERE account_id = :account_id AND id = :address_id AND deleted_at IS NULL;

-- name: default_of
SELECT id, label, line1, line2, city, state, postal_code, country, lat, lng, is_approximate, place_id, is_default, created_at,
  updated_at
FROM addresses WHERE account_id = :account_id AND is_default AND deleted_at IS NULL;

-- name: insert
INSERT INTO addresses (account_id, label, line1, line2, city, state, postal_code, country, lat, lng, place_id, is_default)
VALUES (:account_id, :label, :line1, :line2, :city, :state, :postal_code, :country, :lat, :lng, :place_id, :is_default)
RETURNING id, label, line1, line2, city, state, postal_code, country, lat, lng, is_approximate, place_id, is_default, created_at,
  updated_at;

-- name: update
UPDATE addresses SET label = :label, line1 = :line1, line2 = :line2, city = :city, state = :state, postal_code = :postal_code,
  lat = :lat, lng = :lng, is_approximate = :is_approximate, place_id = :place_id, is_default = :is_default,
  updated_at = app_now()
WHERE account_id = :account_id AND id = :address_id AND deleted_at IS NULL
RETURNING id, label, line1, line2, city, state, postal_code, country, lat, lng, is_approximate, place_id, is_default, created_at,
  updated_at;

-- name: no_default
UPDATE addresses SET is_default = false, updated_at = app_now()
WHERE account_id = :account_id AND is_default AND deleted_at IS NULL;

-- name: remove
-- Bookings keep their own copy of the address, and the row stays for those that point to it.
UPDATE addresses SET deleted_at = app_now(), is_default = false, updated_at = app_now()
WHERE account_id = :account_id AND id = :address_id AND deleted_at IS NULL;

-- name: promote_newest
UPDATE addresses SET is_default = true, updated_at = app_now()
WHERE id = (SELECT id FROM addresses WHERE account_id = :account_id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1)
  AND NOT EXISTS (SELECT FROM addresses WHERE account_id = :account_id AND is_default AND deleted_at IS NULL);

-- name: located
-- What the geocoder found, unless the address has been changed meanwhile.
UPDATE addresses SET lat = :lat, lng = :lng, is_approximate = :is_approximate
WHERE id = :address_id AND lat IS NULL AND updated_at = :seen_at AND deleted_at IS NULL;
