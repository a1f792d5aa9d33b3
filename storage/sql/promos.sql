-- part: columns
c.id, c.code, c.description, c.discount_type, c.discount_percent, c.discount_minor, c.currency, c.min_order_minor,
  c.max_discount_minor, c.per_user_limit, c.total_limit, c.used_count, c.valid_from, c.valid_until, c.is_active,
  c.created_at, c.updated_at

-- part: source
promo_codes c

-- part: everything
FROM promo_codes c WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE c.id = :promo_code_id;

-- name: lock
SELECT {columns} FROM {source} WHERE c.id = :promo_code_id FOR UPDATE OF c;

-- name: insert
INSERT INTO promo_codes (code, description, discount_type, discount_percent, discount_minor, currency, min_order_minor,
  max_discount_minor, per_user_limit, total_limit, valid_from, valid_until, is_active)
VALUES (:code, :description, :discount_type, :discount_percent, :discount_minor, :currency, :min_order_minor,
  :max_discount_minor, :per_user_limit, :total_limit, :valid_from, :valid_until, :is_active)
ON CONFLICT (code) DO NOTHING RETURNING id;

-- name: find
SELECT id, code, description, discount_type, discount_percent, discount_minor, currency, min_order_minor, max_discount_minor,
  per_user_limit, total_limit, used_count, valid_from, valid_until, is_active
FROM promo_codes WHERE code = :code;

-- name: used_by
SELECT count(*) FROM promo_redemptions
WHERE promo_code_id = :promo_code_id AND account_id = :account_id AND released_at IS NULL;

-- name: used_count
SELECT used_count FROM promo_codes WHERE id = :promo_code_id;

-- name: claim
-- Takes one use and, until the transaction ends, the row: so the uses of one user are counted one after the other.
UPDATE promo_codes SET used_count = used_count + 1
WHERE id = :promo_code_id AND is_active AND (total_limit IS NULL OR used_count < total_limit)
  AND (valid_from IS NULL OR valid_from <= app_now()) AND (valid_until IS NULL OR valid_until > app_now())
RETURNING coalesce(per_user_limit, 0);

-- name: redeem
INSERT INTO promo_redemptions (promo_code_id, account_id, booking_id, discount_minor)
VALUES (:promo_code_id, :account_id, :booking_id, :discount_minor);

-- name: release
-- Gives a use back, once.
WITH gone AS (
  UPDATE promo_redemptions SET released_at = app_now() WHERE booking_id = :booking_id AND released_at IS NULL
  RETURNING promo_code_id
)
UPDATE promo_codes SET used_count = greatest(used_count - 1, 0) WHERE id IN (SELECT promo_code_id FROM gone)
RETURNING code;

-- name: upsert
INSERT INTO promo_codes (code, description, discount_type, discount_percent, discount_minor, currency, min_order_minor,
  max_discount_minor, per_user_limit, total_limit, valid_from, valid_until, is_active)
VALUES (:code, :description, :discount_type, :discount_percent, :discount_minor, :currency, :min_order_minor,
  :max_discount_minor, :per_user_limit, :total_limit, :valid_from, :valid_until, :is_active)
ON CONFLICT (code) DO UPDATE SET description = excluded.description, discount_type = excluded.discount_type,
  discount_percent = excluded.discount_percent, discount_minor = excluded.discount_minor, currency = excluded.currency,
  min_order_minor = excluded.min_order_minor, max_discount_minor = excluded.max_discount_minor,
  per_user_limit = excluded.per_user_limit, total_limit = excluded.total_limit, valid_from = excluded.valid_from,
  valid_until = excluded.valid_until, is_active = excluded.is_active, updated_at = app_now()
RETURNING id;
