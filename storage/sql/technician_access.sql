-- name: by_phone
SELECT p.id, p.code, p.name, p.phone, p.email, t.categories, t.tiers, t.working_hours, t.service_radius_m, t.is_active,
       t.is_available, t.dark_since IS NOT NULL AS has_gone_dark, t.onboarding_status, t.rating::float8 AS rating, t.total_bookings, t.completed_bookings,
       t.cancelled_bookings, t.aadhaar_last4, greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at, p.created_at
FROM technicians t JOIN parties p ON p.id = t.id
WHERE p.phone = :phone AND p.kind = 'technician' AND p.deleted_at IS NULL;

-- name: get
SELECT p.id, p.code, p.name, p.phone, p.email, t.categories, t.tiers, t.working_hours, t.service_radius_m, t.is_active,
       t.is_available, t.dark_since IS NOT NULL AS has_gone_dark, t.onboarding_status, t.rating::float8 AS rating, t.total_bookings, t.completed_bookings,
       t.cancelled_bookings, t.aadhaar_last4, greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at, p.created_at
FROM technicians t JOIN parties p ON p.id = t.id
WHERE t.id = :id AND p.deleted_at IS NULL;

-- name: by_code
SELECT p.id, p.code, p.name, p.phone, p.email, t.categories, t.tiers, t.working_hours, t.service_radius_m, t.is_active,
       t.is_available, t.dark_since IS NOT NULL AS has_gone_dark, t.onboarding_status, t.rating::float8 AS rating, t.total_bookings, t.completed_bookings,
       t.cancelled_bookings, t.aadhaar_last4, greatest(t.last_seen_at, (SELECT l.fix_at FROM technician_positions l WHERE l.technician_id = t.id)) AS last_seen_at, p.created_at
FROM technicians t JOIN parties p ON p.id = t.id
WHERE p.code = :code AND p.kind = 'technician' AND p.deleted_at IS NULL;
