-- part: columns
b.id AS booking_id, b.number, b.status, b.local_date, b.local_time, b.starts_at, b.categories, b.address, b.priority,
  b.queued_at, b.queue_reason, b.waits_for, b.round, b.attempt, b.next_action_at, b.created_at

-- part: source
bookings b

-- part: waiting
-- Who waits for a technician: in the manual queue or in the automatic search.
FROM bookings b
WHERE b.status IN ('pending', 'partner_assigned') 
  AND (b.next_action IS NULL OR b.next_action NOT IN ('release_unpaid', 'release_unapproved'));

-- name: wake
-- Bookings that wait around a technician who has become free, or has changed, look again: the most important first, so
-- many at once. Not those that they were asked for in this round or are busy then, nor what somebody looks at just now.
UPDATE bookings SET next_action = 'dispatch', next_action_at = app_now() WHERE looks > 0 AND id IN (
  SELECT b.id
  FROM unnest(:wests::float8[], :souths::float8[], :easts::float8[], :norths::float8[]) AS a (west, south, east, north)
  JOIN bookings b ON b.looks > 0 AND point(b.lng, b.lat) <@ box(point(a.west, a.south), point(a.east, a.north))
  WHERE b.categories <@ :categories::text[] AND b.tiers <@ :tiers::text[] AND b.starts_at > app_now()
    AND (b.next_action_at IS NULL OR b.next_action_at > app_now()) AND b.id <> ALL(:but::uuid[])
    AND (SELECT count(*) FROM offers o WHERE o.technician_id = :technician_id AND o.state = 'open') < :places::int
    AND NOT EXISTS (SELECT FROM offers o WHERE o.booking_id = b.id AND o.technician_id = :technician_id AND o.round = b.round)
    AND NOT EXISTS (
      SELECT FROM slots s WHERE s.technician_id = :technician_id AND upper(s.during) > b.starts_at AND lower(s.during) < b.ends_at
        AND s.state <> 'held' AND s.booking_id <> b.id)
  ORDER BY b.priority DESC, b.looks, b.queued_at, b.id LIMIT :most FOR UPDATE OF b SKIP LOCKED)
RETURNING id;

-- name: wake_all
-- Everybody who waits, or one organisation's (null: all), looks again within a minute from that moment on, unless they do
-- anyway. Not what somebody looks at just now.
UPDATE bookings SET next_action = 'look', next_action_at = :from_at::timestamptz + random() * interval '1 minute'
WHERE id IN (
  SELECT id FROM bookings
  WHERE looks > 0 AND (:organisation_id::uuid IS NULL OR organisation_id = :organisation_id)
    AND (next_action IS NULL OR next_action = 'look' AND next_action_at > :from_at::timestamptz + interval '1 minute')
  FOR UPDATE SKIP LOCKED);
