-- name: everyone
SELECT t.id, t.no, p.code, p.name, p.phone, t.provider_id, t.categories, t.tiers, t.working_hours, t.service_radius_m,
       t.base_lat, t.base_lng, t.zone_id, t.is_active, t.is_available, t.onboarding_status, t.rating::float8 AS rating,
       t.total_bookings, t.cancelled_bookings, t.idle_since, t.changed_at,
       l.lat AS last_lat, l.lng AS last_lng, l.accuracy_m AS last_accuracy_m, l.fix_at AS last_fix_at,
       l.is_dispatchable AS last_is_dispatchable,
       ARRAY(SELECT d.day FROM technician_days_off d WHERE d.technician_id = t.id AND d.day >= (SELECT app_now())::date - 2) AS days_off
FROM technicians t JOIN parties p ON p.id = t.id AND p.deleted_at IS NULL
LEFT JOIN technician_positions l ON l.technician_id = t.id
ORDER BY t.no;

-- name: touched
-- Those whose row changed within so many seconds of real time, in order, and the next so many behind the last that is known.
SELECT id, changed_at FROM technicians
WHERE changed_at >= clock_timestamp() - make_interval(secs => :back_s)
  AND (changed_at, id) > (:after_at::timestamptz, :after_id::uuid)
ORDER BY changed_at, id LIMIT :most;

-- name: named
-- Those named; a removed one comes as not active.
SELECT t.id, t.no, p.code, p.name, p.phone, t.provider_id, t.categories, t.tiers, t.working_hours, t.service_radius_m,
       t.base_lat, t.base_lng, t.zone_id, t.is_active AND p.deleted_at IS NULL AS is_active, t.is_available,
       t.onboarding_status, t.rating::float8 AS rating, t.total_bookings, t.cancelled_bookings, t.idle_since, t.changed_at,
       l.lat AS last_lat, l.lng AS last_lng, l.accuracy_m AS last_accuracy_m, l.fix_at AS last_fix_at,
       l.is_dispatchable AS last_is_dispatchable,
       ARRAY(SELECT d.day FROM technician_days_off d WHERE d.technician_id = t.id AND d.day >= (SELECT app_now())::date - 2) AS days_off
FROM technicians t JOIN parties p ON p.id = t.id
LEFT JOIN technician_positions l ON l.technician_id = t.id
WHERE t.id = ANY(:ids::uuid[]);

-- name: save_positions
INSERT INTO technician_positions (technician_id, lat, lng, accuracy_m, fix_at, is_dispatchable, saved_by)
SELECT *, :node_id FROM unnest(:ids::uuid[], :lats::float8[], :lngs::float8[], :accuracies::real[], :fixes::timestamptz[], :fit::bool[])
ON CONFLICT (technician_id) DO UPDATE
SET lat = excluded.lat, lng = excluded.lng, accuracy_m = excluded.accuracy_m, fix_at = excluded.fix_at,
  is_dispatchable = excluded.is_dispatchable, saved_by = excluded.saved_by, saved_at = clock_timestamp()
WHERE technician_positions.fix_at < excluded.fix_at;

-- name: positions_since
-- What other nodes have written within so many seconds of real time: how a node learns of technicians that report elsewhere
-- when Redis is away.
SELECT t.no, l.lat, l.lng, l.accuracy_m, extract(epoch FROM l.fix_at)::float8 AS fix_at_s, l.is_dispatchable
FROM technician_positions l JOIN technicians t ON t.id = l.technician_id
WHERE l.saved_at >= clock_timestamp() - make_interval(secs => :back_s) AND l.saved_by IS DISTINCT FROM :node_id;

-- name: set_available
WITH was AS (SELECT id, is_available FROM technicians WHERE id = :technician_id FOR NO KEY UPDATE)
UPDATE technicians t SET is_available = :is_available, dark_since = NULL, last_seen_at = app_now() FROM was WHERE t.id = was.id
RETURNING t.last_seen_at AS seen_at, was.is_available <> t.is_available AS is_new;

-- name: gone_dark
-- Takes those out who are available by their word and have been heard of once, but not for so long.
UPDATE technicians SET is_available = false, dark_since = app_now()
WHERE id IN (
  SELECT t.id FROM technicians t LEFT JOIN technician_positions l ON l.technician_id = t.id
  WHERE t.is_available AND t.is_active AND greatest(t.last_seen_at, l.fix_at) < app_now() - make_interval(secs => :dark_s)
  ORDER BY t.id FOR UPDATE OF t SKIP LOCKED)
RETURNING id;

-- name: back_again
-- Those of these who had gone dark and whose position is of now are available again, as they had said.
UPDATE technicians SET is_available = true, dark_since = NULL
WHERE id IN (
  SELECT t.id FROM technicians t JOIN technician_positions l ON l.technician_id = t.id
  WHERE t.id = ANY(:ids::uuid[]) AND t.dark_since IS NOT NULL AND l.fix_at > app_now() - make_interval(secs => :fresh_s)
  ORDER BY t.id FOR UPDATE OF t SKIP LOCKED)
RETURNING id;

-- name: set_working_hours
UPDATE technicians SET working_hours = :working_hours WHERE id = :technician_id;
