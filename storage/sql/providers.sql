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
INSERT INTO providers (id, facility_type, description, services, store_currency, min_payout_minor, payouts_from, billing_email)
VALUES (:id, :facility_type, :description, :services, :store_currency, :min_payout_minor, :payouts_from, :billing_email);

-- name: get
SELECT {columns} FROM {source} WHERE p.id = :id AND p.deleted_at IS NULL;

-- name: lock
-- One at a time decides; whoever writes a line of it, and holds its wallet already, does not wait for that.
SELECT {columns} FROM {source} WHERE p.id = :id AND p.deleted_at IS NULL FOR NO KEY UPDATE OF v;

-- name: lock_lines
-- Against whoever writes a line of it as well.
SELECT {columns} FROM {source} WHERE p.id = :id AND p.deleted_at IS NULL FOR UPDATE OF v;

-- name: all
SELECT {columns} FROM {source} WHERE p.deleted_at IS NULL ORDER BY v.id;

-- name: paid_out
-- A day pays once.
UPDATE providers SET paid_out_on = :day WHERE id = :id AND (paid_out_on IS NULL OR paid_out_on < :day);

-- name: ask_for_account
-- Once in a while: no row where it was written to lately.
UPDATE providers SET account_asked_on = :day
WHERE id = :id AND (account_asked_on IS NULL OR account_asked_on + :every_days::int <= :day OR account_asked_on > :day);

-- name: set_payouts
UPDATE providers SET payout_frequency = :frequency, payout_day = :day, store_currency = :currency, updated_at = app_now(),
  payouts_from = CASE WHEN payout_frequency <> :frequency OR payout_day IS DISTINCT FROM :day THEN :today ELSE payouts_from END
WHERE id = :id;

-- name: enlist
-- From now on these technicians work for it: the jobs that they accept are paid to it.
UPDATE technicians t SET provider_id = :id FROM parties p
WHERE p.id = t.id AND p.kind = 'technician' AND p.deleted_at IS NULL AND p.code = ANY(:codes::text[]);

-- name: lock_technician
-- For whom a technician works, before that changes.
SELECT t.id, p.name, p.phone, t.provider_id FROM technicians t JOIN parties p ON p.id = t.id
WHERE t.id = :technician_id AND p.deleted_at IS NULL FOR UPDATE OF t;

-- name: set_service
-- `provider_id` none: they work for themselves.
UPDATE technicians SET provider_id = :provider_id WHERE id = :technician_id;

-- name: set_units
UPDATE providers SET money_units = :money_units, updated_at = app_now() WHERE id = :id;

-- name: set_general
UPDATE providers SET facility_type = coalesce(:facility_type, facility_type), description = coalesce(:description, description),
  services = coalesce(:services::text[], services), money_units = coalesce(:money_units, money_units), updated_at = app_now()
WHERE id = :id;

-- name: set_head
-- What of a provider stands on its party: name and address, whose lines are merged.
UPDATE parties SET name = coalesce(:name, name), address = coalesce(address, '{}') || :address::jsonb, updated_at = app_now()
WHERE id = :id;

-- name: set_clock
UPDATE parties SET timezone = :timezone, updated_at = app_now() WHERE id = :id AND timezone <> :timezone;

-- name: set_formats
UPDATE providers SET language = coalesce(:language, language), date_format = coalesce(:date_format, date_format),
  time_format = coalesce(:time_format, time_format), updated_at = app_now()
WHERE id = :id;

-- name: set_billing
UPDATE providers SET billing_email = coalesce(:billing_email, billing_email), billing_period = coalesce(:billing_period, billing_period),
  updated_at = app_now()
WHERE id = :id;
