-- part: columns
t.id, p.code, p.name, p.phone, p.email, p.address, t.provider_id, t.categories, t.tiers, t.working_hours,
  t.service_radius_m, t.base_lat, t.base_lng, t.zone_id, t.is_active, t.is_available, t.onboarding_status,
  t.rating::float8 AS rating, t.rating_count, t.total_bookings, t.completed_bookings, t.cancelled_bookings,
  t.aadhaar_last4, t.aadhaar_verified, t.aadhaar_is_doubtful, t.pan_enc, t.verification_documents,
  t.verification_notes, t.verified_by, t.verified_at,
  greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at,
  b.bank_name, b.account_name, b.last4 AS account_last4, b.ifsc, p.created_at, p.updated_at,
  m.total_minor, m.paid_minor, m.total_minor - m.paid_minor AS pending_minor

-- part: source
-- Earnings are those of one currency: nothing is summed across.
technicians t JOIN parties p ON p.id = t.id
LEFT JOIN bank_accounts b ON b.party_id = t.id AND b.is_default
CROSS JOIN LATERAL (
  SELECT coalesce(sum(e.earning_minor), 0)::bigint AS total_minor, coalesce(sum(e.paid_minor), 0)::bigint AS paid_minor
  FROM earnings e WHERE e.payee_id = t.id AND e.currency = :currency AND e.status <> 'cancelled'
) m

-- part: everybody
FROM parties p JOIN technicians t ON t.id = p.id WHERE p.kind = 'technician' AND p.deleted_at IS NULL

-- name: get
SELECT {columns} FROM {source} WHERE t.id = :technician_id AND p.deleted_at IS NULL;

-- name: hold
-- Before the party, as whoever accepts or is given a booking does: what they are told is written last.
SELECT id FROM technicians WHERE id = :technician_id FOR NO KEY UPDATE;

-- name: lock
-- Changes of one technician's file come one after the other.
SELECT id FROM parties WHERE id = :technician_id AND kind = 'technician' AND deleted_at IS NULL FOR NO KEY UPDATE;

-- name: insert
WITH party AS (
  INSERT INTO parties (kind, code, name, email, phone, address)
  VALUES ('technician', :code, :name, :email, :phone, :address) RETURNING id
)
INSERT INTO technicians (id, provider_id, categories, tiers, service_radius_m, base_lat, base_lng, zone_id, is_active)
SELECT id, :provider_id, :categories, :tiers, :service_radius_m, :base_lat, :base_lng, :zone_id, :is_active FROM party
RETURNING id;

-- name: change_party
UPDATE parties SET name = :name, email = :email, phone = :phone, address = :address, updated_at = app_now()
WHERE id = :technician_id AND kind = 'technician' AND deleted_at IS NULL;

-- name: change
UPDATE technicians SET categories = :categories, tiers = :tiers, service_radius_m = :service_radius_m, base_lat = :base_lat,
  base_lng = :base_lng, zone_id = :zone_id, is_active = :is_active, verification_documents = :verification_documents
WHERE id = :technician_id;

-- name: set_aadhaar
UPDATE technicians SET aadhaar_hash = :aadhaar_hash, aadhaar_last4 = :aadhaar_last4, aadhaar_is_doubtful = :is_doubtful,
  aadhaar_verified = false
WHERE id = :technician_id;

-- name: set_pan
UPDATE technicians SET pan_enc = :pan_enc WHERE id = :technician_id;

-- name: judge
-- No row: that is how it stands already.
UPDATE technicians SET onboarding_status = :status, verification_notes = :notes, verified_by = :verified_by,
  verified_at = app_now(), aadhaar_verified = (:status = 'verified' AND aadhaar_hash IS NOT NULL)
WHERE id = :technician_id AND onboarding_status <> :status
RETURNING id;

-- name: tied
-- The bookings in which the technician is offered or has accepted something that has not begun.
SELECT booking_id FROM offers WHERE technician_id = :technician_id AND state = 'open'
UNION SELECT booking_id FROM assignments WHERE technician_id = :technician_id AND state = 'accepted'
ORDER BY booking_id;
