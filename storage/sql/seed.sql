-- name: phones
-- Which people of the seed are there already.
SELECT phone FROM parties WHERE kind = 'technician' AND deleted_at IS NULL AND phone = ANY(:phones::text[])
UNION ALL
SELECT phone FROM accounts WHERE phone = ANY(:phones::text[]);

-- name: add_technician
WITH p AS (
  INSERT INTO parties (kind, code, name, phone, timezone, currency)
  VALUES ('technician', :code, :name, :phone, :timezone, :currency) RETURNING id
)
INSERT INTO technicians (id, categories, tiers, base_lat, base_lng, zone_id, service_radius_m, onboarding_status, rating_sum,
  rating_count, total_bookings, completed_bookings, cancelled_bookings)
SELECT id, :categories, :tiers, :base_lat, :base_lng, :zone_id, :service_radius_m, 'verified', :rating_sum,
  :rating_count, :total_bookings, :completed_bookings, :cancelled_bookings FROM p;

-- name: add_customer
WITH a AS (
  INSERT INTO accounts (phone, name, email, is_verified) VALUES (:phone, :name, :email, true) RETURNING id
)
INSERT INTO addresses (account_id, label, line1, city, state, postal_code, lat, lng, is_default)
SELECT id, 'Home', :line1, :city, :state, :postal_code, :lat, :lng, true FROM a;

-- name: admin_by_email
SELECT a.id FROM accounts a JOIN memberships m ON m.account_id = a.id AND m.realm = 'admin'
WHERE lower(a.email) = lower(:email);

-- name: add_admin
WITH a AS (
  INSERT INTO accounts (email, name, is_verified) VALUES (:email, :name, true) RETURNING id
)
INSERT INTO memberships (account_id, realm, role) SELECT id, 'admin', 'super_admin' FROM a;

-- name: technician_ids
SELECT id FROM parties WHERE kind = 'technician' AND deleted_at IS NULL AND phone = ANY(:phones::text[]) ORDER BY phone;

-- name: customer_ids
SELECT id FROM accounts WHERE phone = ANY(:phones::text[]) ORDER BY phone;

-- name: has_bookings
SELECT EXISTS (SELECT FROM bookings);

-- name: forget_letters
-- Those of weeks past were sent then, and tidied since.
DELETE FROM outbox;
