-- name: insert_preview
INSERT INTO checkout_previews (id, account_id, items, zone_id, address_id, booking_date, starts_at, duration_minutes, currency,
  timezone, subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, promo_code_id, expires_at)
VALUES (:id, :account_id, :items, :zone_id, :address_id, :booking_date, :starts_at, :duration_minutes, :currency,
  :timezone, :subtotal_minor, :savings_minor, :discount_minor, :tax_minor, :grand_total_minor, :promo_code_id, :expires_at);

-- name: live_preview
SELECT id, account_id, items, zone_id, address_id, booking_date, starts_at, duration_minutes, currency, timezone,
  subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, promo_code_id, expires_at
FROM checkout_previews WHERE id = :preview_id AND account_id = :account_id AND expires_at > app_now();

-- name: lock_preview
-- Two confirms of one preview come one after the other.
SELECT id FROM checkout_previews WHERE id = :preview_id AND account_id = :account_id FOR UPDATE;

-- name: sweep_previews
-- A day is kept, so that a late retry of a confirm is told that its preview has expired and not that it never was.
DELETE FROM checkout_previews WHERE expires_at < app_now() - interval '1 day';

-- name: booked_from
SELECT id, number, status, grand_total_minor, currency, address_id, local_date, local_time, payment_method, contact
FROM bookings WHERE preview_id = :preview_id AND account_id = :account_id;
