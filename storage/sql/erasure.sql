-- name: lock_bookings
-- Bookings come before accounts in the lock order; says how many are still open.
WITH b AS (SELECT status FROM bookings WHERE account_id = :account_id ORDER BY id FOR UPDATE)
SELECT count(*) FILTER (WHERE status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress')) FROM b;

-- name: open_bookings
SELECT count(*) FROM bookings
WHERE account_id = :account_id AND status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress');

-- name: proves_email
-- Whether whoever reads the mailbox chose a password for the account: a customer may write down anybody's address.
SELECT email_is_proved FROM accounts WHERE id = :account_id;

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

-- name: erase_notifications
DELETE FROM notifications WHERE account_id = :account_id;

-- name: erase_previews
DELETE FROM checkout_previews WHERE account_id = :account_id;

-- name: erase_answers
-- Stored answers of repeated requests repeat personal data.
DELETE FROM idempotency_keys WHERE principal = ANY(:principals::text[]);

-- name: erase_command_answers
DELETE FROM commands WHERE principal = ANY(:principals::text[]);

-- name: erase_payers
-- What providers were told of somebody who paid; what was paid stays.
UPDATE provider_transactions t SET payer_name = NULL, payer_email = NULL, payer_phone = NULL FROM provider_customers c
WHERE c.account_id = :account_id AND t.customer_id = c.id;

-- name: erase_provider_customers
UPDATE provider_customers SET name = NULL, email = NULL, phone = NULL, location = NULL, metadata = '{}', updated_at = app_now()
WHERE account_id = :account_id;

-- name: erase_app_customer
-- The app that booked for them keeps that there was somebody; the phone is free for a new customer.
UPDATE integration_customers SET phone = 'erased:' || account_id WHERE account_id = :account_id;

-- name: lock_erp_customer
-- Whoever gives this customer to a partner just now is waited for.
SELECT no FROM erp_customers WHERE account_id = :account_id FOR UPDATE;

-- name: erase_erp_customer
-- The partner and its orders stay; it is free to have another customer.
WITH freed AS (UPDATE trade_partners SET customer_no = NULL, updated_at = app_now() WHERE customer_no = :no)
DELETE FROM erp_customers WHERE no = :no;

-- name: erase_order_words
-- Why orders were cancelled, in the words of whoever cancelled their bookings.
UPDATE trade_orders o SET cancellation_reason = NULL FROM bookings b
WHERE b.id = o.booking_id AND b.id = ANY(:booking_ids::uuid[]) AND o.cancellation_reason IS NOT NULL
  AND (b.cancelled_by IN ('admin', 'system', 'erp')) IS NOT TRUE;

-- name: end_memberships
UPDATE memberships SET status = 'removed' WHERE account_id = :account_id;

-- name: members_of
SELECT id FROM memberships WHERE account_id = :account_id AND realm = 'organisation';

-- name: erase_members
-- What organisations knew of somebody; that they were a member stays with what they booked.
UPDATE members SET first_name = 'Former', last_name = 'member', email = NULL, phone = NULL, employee_no = NULL,
  employment_status = NULL, hired_on = NULL, segment = NULL, status_reason = NULL, removed_at = coalesce(removed_at, app_now()),
  next_status = NULL, next_status_on = NULL
WHERE id IN (SELECT id FROM memberships WHERE account_id = :account_id)
RETURNING id;

-- name: erase_member_phones
-- Organisations keep whom they enrolled by an address of theirs, but no longer the phone by which this account was known there.
WITH known AS (UPDATE members SET phone = NULL, updated_at = app_now() WHERE phone = :phone RETURNING id)
UPDATE enrolment_rows SET data = data - 'phoneNumber' WHERE member_id IN (SELECT id FROM known);

-- name: erase_enrolments
UPDATE enrolment_rows SET data = '{}' WHERE member_id IN (SELECT id FROM memberships WHERE account_id = :account_id);

-- name: export_addresses
SELECT id, label, line1, line2, city, state, postal_code, country, lat, lng, is_default, created_at
FROM addresses WHERE account_id = :account_id AND deleted_at IS NULL ORDER BY created_at;

-- name: bookings_of
SELECT id FROM bookings WHERE account_id = :account_id AND erased_at IS NULL ORDER BY id;

-- name: bookings_before
-- A part of the finished bookings whose personal data have had their time.
SELECT id FROM bookings
WHERE erased_at IS NULL AND status IN ('completed', 'cancelled', 'refunded') AND ends_at < app_now() - make_interval(days => :days)
ORDER BY ends_at LIMIT :most FOR UPDATE SKIP LOCKED;

-- name: erase_bookings
-- The point is rounded to about 11 km. What the house said stays; what people said goes.
UPDATE bookings SET contact = '{}', feedback = NULL, start_code = NULL,
       address = jsonb_strip_nulls(jsonb_build_object('city', address -> 'city', 'state', address -> 'state',
                                                      'country', address -> 'country')),
       lat = round(lat::numeric, 1)::float8, lng = round(lng::numeric, 1)::float8, is_approximate = true,
       cancellation_reason = CASE WHEN cancelled_by IN ('admin', 'system', 'erp') THEN cancellation_reason END,
       erased_at = app_now(), updated_at = app_now()
WHERE id = ANY(:booking_ids::uuid[]);

-- name: erase_booking_events
-- The steps stay, gapless; places go, and words, whoever of the people said them.
UPDATE booking_events
SET data = data - ARRAY['address', 'contact', 'customer', 'name', 'phone', 'email', 'lat', 'lng', 'notes', 'feedback']
                - CASE WHEN actor_kind IN ('admin', 'erp', 'system', 'service', 'gateway') THEN ARRAY[]::text[] ELSE ARRAY['reason'] END
WHERE booking_id = ANY(:booking_ids::uuid[]);

-- name: erase_answers_given
-- Why technicians said no or gave the job back.
UPDATE offers SET reason = NULL WHERE booking_id = ANY(:booking_ids::uuid[]) AND state = 'rejected' AND reason IS NOT NULL;

-- name: erase_assignments
UPDATE assignments SET cancellation_reason = NULL
WHERE booking_id = ANY(:booking_ids::uuid[]) AND cancellation_reason IS NOT NULL AND cancelled_by NOT IN ('admin', 'system', 'erp');

-- name: erase_offers_told
-- What technicians were told of the place and in whose words.
UPDATE party_events e
SET data = e.data - ARRAY['lat', 'lng', 'pincode', 'distance_m', 'address', 'contact', 'customer', 'reason']
WHERE e.party_id IN (SELECT o.technician_id FROM offers o WHERE o.booking_id = ANY(:booking_ids::uuid[]))
  AND e.data ->> 'booking_id' = ANY(:booking_ids::uuid[]::text[]);

-- name: erase_gateway_payloads
-- The gateway repeats phone and e-mail in what it sends. One that still waits for its work keeps them until then.
UPDATE gateway_events g SET payload = '{}'
FROM payments p
WHERE p.booking_id = ANY(:booking_ids::uuid[]) AND g.is_processed
  AND (g.order_id = p.gateway_order_id OR g.payment_id = p.gateway_payment_id);

-- name: erase_letters
-- Their own, those under their phone, and those of strangers under their address: that one proves nothing, so a letter
-- of another account stays that account's.
UPDATE contact_submissions SET name = 'erased', email = 'erased', phone = NULL, subject = NULL, message = 'erased',
       updated_at = app_now()
WHERE account_id = :account_id OR phone = :phone OR (account_id IS NULL AND lower(email) = lower(:email));

-- name: purge_letters
DELETE FROM contact_submissions WHERE id IN
  (SELECT id FROM contact_submissions WHERE created_at < app_now() - make_interval(days => :days) LIMIT :most);

-- name: erase_outbox
-- What has not left yet never leaves. What was written for another account is that one's, wherever it went: phones move on. An
-- address that nobody has proved (`unproved`) gives up what has left, and stops nothing that is on its way to whoever reads it.
UPDATE outbox SET recipient = 'erased', stream = 'erased:' || id, body = '', data = '{}', account_id = NULL,
       state = CASE WHEN state = 'pending' THEN 'dead' ELSE state END,
       error = CASE WHEN state = 'pending' THEN 'erased' ELSE error END
WHERE account_id = :account_id
   OR account_id IS NULL AND (recipient = ANY(:recipients::text[]) OR recipient = :unproved AND state <> 'pending');

-- name: own_messages
-- Before the phone is somebody else's: what left for it is the account's.
UPDATE outbox SET account_id = :account_id WHERE recipient = :recipient AND account_id IS NULL;

-- name: own_letters
-- The same for letters.
UPDATE contact_submissions SET account_id = :account_id WHERE phone = :phone AND account_id IS NULL;

-- name: export_bookings
SELECT b.id, b.number, b.status, b.local_date, b.local_time, b.timezone, b.address, b.contact, b.payment_method,
       b.payment_status, b.currency, b.grand_total_minor, b.cancellation_fee_minor, b.refund_minor, b.rating, b.feedback,
       b.cancellation_reason, b.created_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', i.name, 'quantity', i.quantity, 'price_minor', i.price_minor)
                                  ORDER BY i.position)
                 FROM booking_items i WHERE i.booking_id = b.id), '[]'::jsonb) AS items
FROM bookings b WHERE b.account_id = :account_id ORDER BY b.created_at LIMIT :limit;

-- name: export_events
SELECT e.booking_id, e.seq, e.type, e.actor_kind, e.actor_id, e.data, e.at
FROM booking_events e JOIN bookings b ON b.id = e.booking_id WHERE b.account_id = :account_id
ORDER BY e.booking_id, e.seq LIMIT :limit;

-- name: export_payments
SELECT p.id, p.booking_id, p.kind, p.method, p.status, p.currency, p.amount_minor, p.captured_minor, p.refunded_minor,
       p.gateway_payment_id, p.created_at, p.captured_at
FROM payments p WHERE p.account_id = :account_id ORDER BY p.created_at, p.id LIMIT :limit;

-- name: export_refunds
SELECT r.id, r.payment_id, r.booking_id, r.amount_minor, r.currency, r.to_wallet, r.status, r.reason, r.created_at, r.settled_at
FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.account_id = :account_id
ORDER BY r.created_at, r.id LIMIT :limit;

-- name: export_wallet
-- Every movement of what the account owns or owes; a positive amount is in the account's favour.
SELECT j.kind, j.booking_id, j.description, j.at, l.type AS account, p.currency, p.amount_minor
FROM ledger_postings p JOIN ledger_journals j ON j.id = p.journal_id JOIN ledger_accounts l ON l.id = p.account_id
WHERE l.owner_kind = 'account' AND l.owner_id = :account_id ORDER BY p.id LIMIT :limit;

-- name: export_letters
-- Their own and those under their phone, which a code has proved; an e-mail address proves nothing.
SELECT id, name, email, phone, subject, message, status, created_at FROM contact_submissions
WHERE account_id = :account_id OR phone = :phone ORDER BY created_at;

-- name: export_messages
SELECT channel, recipient, template, body, state, created_at, sent_at FROM outbox
WHERE (account_id = :account_id OR account_id IS NULL AND recipient = ANY(:recipients::text[])) AND NOT is_secret
ORDER BY id LIMIT :limit;
