-- name: insert_preview
INSERT INTO checkout_previews (id, account_id, items, zone_id, address_id, booking_date, starts_at, duration_minutes, currency,
  timezone, subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, promo_code_id, billed_to, organisation_id,
  program_id, expires_at)
VALUES (:id, :account_id, :items, :zone_id, :address_id, :booking_date, :starts_at, :duration_minutes, :currency,
  :timezone, :subtotal_minor, :savings_minor, :discount_minor, :tax_minor, :grand_total_minor, :promo_code_id, :billed_to,
  :organisation_id, :program_id, :expires_at);

-- name: for_confirm
-- All that a confirm reads of its customer: the preview, the address, the booking that the preview has become, the profile, debts.
SELECT coalesce(p.expires_at > app_now(), false) AS is_live, coalesce(p.items, '[]') AS items, p.zone_id,
  p.address_id AS preview_address_id, coalesce(p.duration_minutes, 0) AS duration_minutes, coalesce(p.currency, '') AS currency,
  coalesce(b.timezone, p.timezone, '') AS timezone, coalesce(p.subtotal_minor, 0) AS subtotal_minor,
  coalesce(p.savings_minor, 0) AS savings_minor, coalesce(p.discount_minor, 0) AS discount_minor,
  coalesce(p.tax_minor, 0) AS tax_minor, coalesce(p.grand_total_minor, 0) AS grand_total_minor, p.promo_code_id, p.billed_to,
  p.organisation_id, p.program_id, b.id AS booking_id, b.confirmed_as, coalesce(c.name, '') = '' AS lacks_name,
  coalesce(c.email, '') = '' AND c.password_hash IS NULL AS lacks_email, coalesce(l.balance_minor, 0) < 0 AS may_owe,
  to_jsonb(a) AS address_row
FROM accounts c
LEFT JOIN checkout_previews p ON p.id = :preview_id AND p.account_id = c.id
LEFT JOIN bookings b ON b.preview_id = :preview_id AND b.account_id = c.id
LEFT JOIN addresses a ON a.id = :address_id AND a.account_id = c.id AND a.deleted_at IS NULL
LEFT JOIN ledger_accounts l ON l.owner_kind = 'account' AND l.owner_id = c.id AND l.type = 'receivable' AND l.currency = p.currency
WHERE c.id = :account_id;

-- name: sweep_previews
-- A day is kept, so that a late retry of a confirm is told that its preview has expired and not that it never was.
DELETE FROM checkout_previews WHERE expires_at < app_now() - interval '1 day';
