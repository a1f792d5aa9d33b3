-- name: everything
SELECT id, code, name, city, state, boundary, centre_lat, centre_lng, timezone, currency, opens, closes, days, is_active
FROM zones ORDER BY code;

-- name: pincodes
SELECT pincode, zone_id, lat, lng FROM zone_pincodes;

-- name: version
-- Changes whenever a zone does: the poll that finds what a lost hint would have told.
SELECT coalesce(max(updated_at)::text, '') || '/' || count(*) FROM zones;

-- name: upsert
INSERT INTO zones (code, name, city, state, boundary, centre_lat, centre_lng, timezone, currency, opens, closes, days)
VALUES (:code, :name, :city, :state, :boundary, :centre_lat, :centre_lng, :timezone, :currency, :opens, :closes, :days)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, city = excluded.city, state = excluded.state,
  boundary = excluded.boundary, centre_lat = excluded.centre_lat, centre_lng = excluded.centre_lng,
  timezone = excluded.timezone, currency = excluded.currency, opens = excluded.opens, closes = excluded.closes,
  days = excluded.days, is_active = true, updated_at = clock_timestamp()
RETURNING id;

-- name: put_pincodes
-- In one order, so that two zones that take each other's wait for each other and no longer.
INSERT INTO zone_pincodes (pincode, zone_id, lat, lng)
SELECT DISTINCT p, :zone_id::uuid, :lat::float8, :lng::float8 FROM unnest(:pincodes::text[]) p ORDER BY p
ON CONFLICT (pincode) DO UPDATE SET zone_id = excluded.zone_id, lat = excluded.lat, lng = excluded.lng;

-- name: move_pincodes
-- They lie where their zone's middle is.
UPDATE zone_pincodes SET lat = :lat, lng = :lng
WHERE zone_id = :zone_id AND (lat, lng) IS DISTINCT FROM (:lat::float8, :lng::float8);

-- name: losing
-- Other zones that have some of these pincodes: all that each has, and what is left to it.
SELECT n.zone_id, array_agg(n.pincode ORDER BY n.pincode) AS before,
  coalesce(array_agg(n.pincode ORDER BY n.pincode) FILTER (WHERE n.pincode <> ALL(:pincodes::text[])), '{}') AS after
FROM zone_pincodes n
WHERE n.zone_id IN (SELECT o.zone_id FROM zone_pincodes o WHERE o.pincode = ANY(:pincodes::text[]) AND o.zone_id <> :zone_id)
GROUP BY n.zone_id ORDER BY n.zone_id;

-- name: set_active
UPDATE zones SET is_active = :is_active, updated_at = clock_timestamp() WHERE code = :code;

-- part: columns
z.id, z.code, z.name, z.city, z.state, z.centre_lat, z.centre_lng, z.timezone, z.currency, z.opens, z.closes, z.days,
  z.is_active, z.created_at, z.updated_at,
  ARRAY(SELECT n.pincode FROM zone_pincodes n WHERE n.zone_id = z.id ORDER BY n.pincode) AS pincodes,
  (SELECT count(*)::int FROM services s JOIN service_prices p ON p.service_id = s.id
   WHERE p.currency = z.currency AND s.is_active AND s.deleted_at IS NULL) AS services,
  (SELECT count(*)::int FROM technicians t WHERE t.zone_id = z.id AND t.is_active AND t.onboarding_status = 'verified') AS technicians

-- part: source
zones z

-- part: all
FROM zones z WHERE true

-- name: get
SELECT {columns}, z.boundary FROM {source} WHERE z.id = :zone_id;

-- name: lock
SELECT {columns}, z.boundary FROM {source} WHERE z.id = :zone_id FOR UPDATE OF z;

-- name: claim
-- Takes a code that no zone has; what the zone is follows in the same transaction. No row: another has it.
INSERT INTO zones (code, name, boundary, centre_lat, centre_lng, timezone, currency)
VALUES (:code, :code, '{}', 0, 0, 'UTC', 'XXX') ON CONFLICT (code) DO NOTHING RETURNING id;

-- name: drop_pincodes
-- Those that the zone has no longer.
DELETE FROM zone_pincodes WHERE zone_id = :zone_id AND pincode <> ALL(:kept::text[]);
