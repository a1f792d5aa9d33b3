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

-- name: put_pincode
INSERT INTO zone_pincodes (pincode, zone_id, lat, lng) VALUES (:pincode, :zone_id, :lat, :lng)
ON CONFLICT (pincode) DO UPDATE SET zone_id = excluded.zone_id, lat = excluded.lat, lng = excluded.lng;

-- name: set_active
UPDATE zones SET is_active = :is_active, updated_at = clock_timestamp() WHERE code = :code;
