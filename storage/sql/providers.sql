-- part: columns
p.id, p.code, p.name, p.email, p.phone, p.address, p.timezone, p.currency, v.facility_type, v.description, v.services,
  v.money_units, v.language, v.date_format, v.time_format, v.payout_frequency, v.payout_day, v.store_currency,
  v.min_payout_minor, v.manual_payouts, v.paid_out_on, v.payouts_from, v.billing_email, v.billing_period, p.created_at, v.updated_at

-- part: source
providers v JOIN parties p ON p.id = v.id

-- part: every
FROM {source} WHERE p.deleted_at IS NULL

-- name: insert_party
INSERT INTO parties (kind, code, name, email, phone, address, timezone, currency)
VALUES ('provider', :code, :name, :email, :phone, :address, :timezone, :currency) RETURNING id;

-- name: insert
INSERT INTO providers (id, facility_type, description, services, store_currency, min_payout_minor, billing_email)
VALUES (:id, :facility_type, :description, :services, :store_currency, :min_payout_minor, :billing_email);

-- name: get
SELECT {columns} FROM {source} WHERE p.id = :id AND p.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE p.id = :id AND p.deleted_at IS NULL FOR UPDATE OF v;

-- name: set_units
UPDATE providers SET money_units = :money_units, updated_at = app_now() WHERE id = :id;
