-- part: columns
b.id AS booking_id, b.number, b.status, b.local_date, b.local_time, b.timezone, b.starts_at, b.categories, b.address, b.priority,
  b.queued_at, b.queue_reason, b.waits_for, b.round, b.attempt,
  CASE WHEN b.next_action <> 'start' THEN b.next_action_at END AS next_action_at, b.created_at

-- part: source
bookings b

-- part: waiting
-- Who waits for a technician: in the manual queue or in the automatic search.
FROM bookings b
WHERE b.status IN ('pending', 'partner_assigned') 
  AND (b.next_action IS NULL OR b.next_action NOT IN ('release_unpaid', 'release_unapproved'));

-- part: asked
b.id, b.account_id, b.organisation_id, b.lat, b.lng, b.zone_id, b.timezone, b.categories, b.tiers, b.starts_at, b.ends_at, b.priority

-- name: around
-- What waits around those who have become free or have changed and asks for what one of them does, the most important and then
-- the first to start first, from one of them on, but for some. Not what is due or being looked at: that sees them itself, or its end asks again.
SELECT DISTINCT ON (b.priority, b.starts_at, b.id) {asked}
FROM unnest(:technician_ids::uuid[], :wests::float8[], :souths::float8[], :easts::float8[], :norths::float8[])
  AS a (technician_id, west, south, east, north)
JOIN technicians t ON t.id = a.technician_id
JOIN bookings b ON b.looks > 0 AND point(b.lng, b.lat) <@ box(point(a.west, a.south), point(a.east, a.north))
WHERE b.categories <@ t.categories AND b.tiers <@ t.tiers AND b.starts_at > app_now()
  AND (b.next_action_at IS NULL OR b.next_action_at > app_now()) AND b.id <> ALL(:but::uuid[])
  AND (:after_id::uuid IS NULL OR (-b.priority, b.starts_at, b.id) > (-:after_priority::int, :after_start::timestamptz, :after_id))
ORDER BY b.priority DESC, b.starts_at, b.id LIMIT :most;

-- name: rooms
-- How many offers they hold who may have any, and whether one is in the first place.
SELECT t.id AS technician_id, count(o.id)::int AS offers, coalesce(bool_or(o.place = 1), false) AS is_first_taken
FROM technicians t LEFT JOIN offers o ON o.technician_id = t.id AND o.state = 'open'
WHERE t.id = ANY(:technician_ids::uuid[]) AND t.is_active AND t.onboarding_status = 'verified'
GROUP BY t.id;

-- name: refused
-- Which of these technicians cannot take which of these bookings, as far as rows say: they were asked in this round or gave it
-- back, are busy then, or its customer does not want them.
SELECT o.technician_id, b.id AS booking_id
FROM bookings b JOIN offers o ON o.booking_id = b.id AND o.round = b.round
WHERE b.id = ANY(:booking_ids::uuid[]) AND o.technician_id = ANY(:technician_ids::uuid[])
UNION ALL
SELECT s.technician_id, s.booking_id FROM assignments s
WHERE s.booking_id = ANY(:booking_ids) AND s.technician_id = ANY(:technician_ids) AND s.state = 'cancelled'
UNION ALL
SELECT k.technician_id, b.id
FROM bookings b JOIN technician_blocks k ON k.account_id = b.account_id
WHERE b.id = ANY(:booking_ids) AND k.technician_id = ANY(:technician_ids)
UNION ALL
SELECT s.technician_id, b.id
FROM slots s JOIN bookings b ON upper(s.during) > b.starts_at AND lower(s.during) < b.ends_at AND s.booking_id IS DISTINCT FROM b.id
WHERE b.id = ANY(:booking_ids) AND s.technician_id = ANY(:technician_ids) AND (s.expires_at IS NULL OR s.expires_at > app_now())
  AND (s.state <> 'held' OR s.booking_id IS NULL)
  AND NOT EXISTS (SELECT FROM checkout_previews p WHERE p.id = s.preview_id AND p.account_id = b.account_id);

-- name: near_start
-- What waits and starts before a moment, so that live positions decide: not what is due or being looked at.
SELECT {asked}
FROM bookings b
WHERE b.looks > 0 AND b.queued_at IS NOT NULL AND b.starts_at > app_now() AND b.starts_at < :before
  AND (b.next_action_at IS NULL OR b.next_action_at > app_now())
ORDER BY b.starts_at, b.id;

-- name: wake
-- These look again, unless they are about to or wait no more. Not what somebody holds just now: it is asked again.
UPDATE bookings SET next_action = 'dispatch', next_action_at = app_now()
WHERE id IN (
  SELECT id FROM bookings
  WHERE id = ANY(:ids::uuid[]) AND looks > 0 AND (next_action_at IS NULL OR next_action_at > app_now())
  ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id;

-- name: wake_all
-- Everybody who waits, or one organisation's (null: all), looks again within a minute from then on (`after_s`), unless they
-- do anyway. Not what somebody looks at just now.
UPDATE bookings SET next_action = 'look', next_action_at = app_now() + make_interval(secs => :after_s::float8) + random() * interval '1 minute'
WHERE id IN (
  SELECT id FROM bookings
  WHERE looks > 0 AND (:organisation_id::uuid IS NULL OR organisation_id = :organisation_id)
    AND (next_action IS NULL OR next_action IN ('look', 'start')
      AND next_action_at > app_now() + make_interval(secs => :after_s) + interval '1 minute')
  ORDER BY id FOR UPDATE SKIP LOCKED);
