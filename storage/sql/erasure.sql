-- name: lock_bookings
-- Bookings come before accounts in the lock order; says how many are still open.
WITH b AS (SELECT status FROM bookings WHERE account_id = :account_id ORDER BY id FOR UPDATE)
SELECT count(*) FILTER (WHERE status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress')) FROM b;

-- name: open_bookings
SELECT count(*) FROM bookings
WHERE account_id = :account_id AND status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress');

-- name: erase_account
UPDATE accounts SET phone = NULL, email = NULL, password_hash = NULL, name = NULL, avatar_url = NULL,
       is_active = false, is_verified = false, blocked_reason = NULL, prefs = '{}', erased_at = app_now(),
       updated_at = app_now()
WHERE id = :account_id AND erased_at IS NULL;

-- name: erase_addresses
-- City and state stay: the tax on past bookings depends on them, and they name nobody.
UPDATE addresses SET label = 'erased', line1 = 'erased', line2 = NULL, postal_code = '', lat = NULL, lng = NULL,
       place_id = NULL, is_default = false, updated_at = app_now(), deleted_at = coalesce(deleted_at, app_now())
WHERE account_id = :account_id;

-- name: erase_bookings
-- The point is rounded to about 11 km. What staff or technicians wrote stays; what the customer wrote goes.
UPDATE bookings SET contact = '{}', feedback = NULL, start_code = NULL,
       address = jsonb_strip_nulls(jsonb_build_object('city', address -> 'city', 'state', address -> 'state',
                                                      'country', address -> 'country')),
       lat = round(lat::numeric, 1)::float8, lng = round(lng::numeric, 1)::float8, is_approximate = true,
       cancellation_reason = CASE WHEN cancelled_by = 'customer' THEN NULL ELSE cancellation_reason END,
       updated_at = app_now()
WHERE account_id = :account_id;

-- name: erase_booking_events
-- The steps stay, gapless; words and places of the customer go.
UPDATE booking_events e
SET data = e.data - ARRAY['reason', 'feedback', 'address', 'contact', 'customer', 'name', 'phone', 'email', 'lat', 'lng', 'notes']
FROM bookings b WHERE b.id = e.booking_id AND b.account_id = :account_id AND e.actor_kind = 'customer';

-- name: erase_notifications
DELETE FROM notifications WHERE account_id = :account_id;

-- name: erase_outbox
-- What has not left yet never leaves.
UPDATE outbox SET recipient = 'erased', stream = 'erased:' || id, body = '', data = '{}',
       state = CASE WHEN state = 'pending' THEN 'dead' ELSE state END,
       error = CASE WHEN state = 'pending' THEN 'erased' ELSE error END
WHERE recipient = ANY(:recipients::text[]);

-- name: erase_contact_submissions
UPDATE contact_submissions SET name = 'erased', email = 'erased', phone = NULL, subject = NULL, message = 'erased',
       updated_at = app_now()
WHERE account_id = :account_id;

-- name: erase_previews
DELETE FROM checkout_previews WHERE account_id = :account_id;

-- name: erase_answers
-- Stored answers of repeated requests repeat personal data.
DELETE FROM idempotency_keys WHERE principal = ANY(:principals::text[]);

-- name: erase_command_answers
DELETE FROM commands WHERE principal = ANY(:principals::text[]);

-- name: end_memberships
UPDATE memberships SET status = 'removed' WHERE account_id = :account_id;

-- name: export_addresses
SELECT id, label, line1, line2, city, state, postal_code, country, lat, lng, is_default, created_at
FROM addresses WHERE account_id = :account_id AND deleted_at IS NULL ORDER BY created_at;

-- name: export_bookings
SELECT b.id, b.number, b.status, b.local_date, b.local_time, b.timezone, b.address, b.contact, b.payment_method,
       b.payment_status, b.currency, b.grand_total_minor, b.rating, b.feedback, b.cancellation_reason, b.created_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', i.name, 'quantity', i.quantity, 'price_minor', i.price_minor)
                                  ORDER BY i.position)
                 FROM booking_items i WHERE i.booking_id = b.id), '[]'::jsonb) AS items
FROM bookings b WHERE b.account_id = :account_id ORDER BY b.created_at LIMIT :limit;

-- name: export_contact_submissions
SELECT id, subject, message, created_at FROM contact_submissions WHERE account_id = :account_id ORDER BY created_at;

-- name: erase_offers_told
-- What technicians were told of the place when it was offered to them.
UPDATE party_events e
SET data = e.data - ARRAY['lat', 'lng', 'pincode', 'address', 'contact', 'customer']
WHERE e.party_id IN (SELECT o.technician_id FROM offers o JOIN bookings b ON b.id = o.booking_id
                     WHERE b.account_id = :account_id)
  AND e.data ->> 'booking_id' IN (SELECT id::text FROM bookings WHERE account_id = :account_id);

-- name: erase_gateway_payloads
-- The gateway repeats phone and e-mail in what it sends. One that still waits for its work keeps them until then.
UPDATE gateway_events g SET payload = '{}'
FROM payments p
WHERE p.account_id = :account_id AND g.is_processed
  AND (g.order_id = p.gateway_order_id OR g.payment_id = p.gateway_payment_id);
