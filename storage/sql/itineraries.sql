-- name: every
-- All, or those of a salesperson, or those that are on or off.
SELECT i.id, i.code, i.name, i.salesperson_id, i.is_active, i.created_at,
  (SELECT count(*) FROM itinerary_partners p WHERE p.itinerary_id = i.id) AS partners
FROM itineraries i
WHERE (:salesperson_id::bigint IS NULL OR i.salesperson_id = :salesperson_id)
  AND (:is_active::boolean IS NULL OR i.is_active = :is_active)
ORDER BY i.code LIMIT :most;

-- name: count
SELECT count(*) FROM itineraries;

-- name: get
SELECT i.id, i.code, i.name, i.salesperson_id, i.is_active, i.created_at,
  (SELECT count(*) FROM itinerary_partners p WHERE p.itinerary_id = i.id) AS partners
FROM itineraries i WHERE i.id = :id;

-- name: lock
SELECT id FROM itineraries WHERE id = :id FOR UPDATE;

-- name: insert
INSERT INTO itineraries (code, name, salesperson_id, is_active) VALUES (:code, :name, :salesperson_id, :is_active)
ON CONFLICT (code) DO NOTHING RETURNING id;

-- name: save
UPDATE itineraries SET code = :code, name = :name, salesperson_id = :salesperson_id, is_active = :is_active, updated_at = app_now()
WHERE id = :id;

-- name: delete
DELETE FROM itineraries WHERE id = :id;

-- part: stop_columns
p.id, p.itinerary_id, i.code AS itinerary_code, i.name AS itinerary_name, p.partner_no, t.code AS partner_code,
  t.name AS partner_name,
  CASE WHEN t.status = 'BLOCKED' AND t.blocked_until <= app_now() THEN 'ACTIVE' ELSE t.status END AS partner_status,
  p.rank, p.visit_frequency_days, p.start_time, p.end_time, p.is_stop_point

-- part: stop_source
itinerary_partners p JOIN itineraries i ON i.id = p.itinerary_id JOIN trade_partners t ON t.no = p.partner_no

-- name: stops
SELECT {stop_columns} FROM {stop_source} WHERE p.itinerary_id = :itinerary_id ORDER BY p.rank LIMIT :most;

-- name: of_partner
SELECT {stop_columns} FROM {stop_source} WHERE p.partner_no = :partner_no ORDER BY i.code LIMIT :most;

-- name: make_room
-- Whoever stands from this place on moves one on. The itinerary is locked.
UPDATE itinerary_partners SET rank = rank + 1 WHERE itinerary_id = :itinerary_id AND rank >= :rank
  AND EXISTS (SELECT 1 FROM itinerary_partners WHERE itinerary_id = :itinerary_id AND rank = :rank);

-- name: add_stop
INSERT INTO itinerary_partners (itinerary_id, partner_no, rank, visit_frequency_days, start_time, end_time, is_stop_point)
VALUES (:itinerary_id, :partner_no,
  coalesce(:rank, (SELECT coalesce(max(rank), 0) + 1 FROM itinerary_partners WHERE itinerary_id = :itinerary_id)),
  :visit_frequency_days, :start_time, :end_time, :is_stop_point)
ON CONFLICT ON CONSTRAINT itinerary_partners_once DO NOTHING RETURNING id;

-- name: stop
SELECT {stop_columns} FROM {stop_source} WHERE p.id = :id AND p.itinerary_id = :itinerary_id;

-- name: save_stop
UPDATE itinerary_partners SET rank = :rank, visit_frequency_days = :visit_frequency_days, start_time = :start_time,
  end_time = :end_time, is_stop_point = :is_stop_point
WHERE id = :id AND itinerary_id = :itinerary_id;

-- name: drop_stop
DELETE FROM itinerary_partners WHERE id = :id AND itinerary_id = :itinerary_id;

-- name: reorder
-- The named ones first, in that order; gives how many of them there are.
WITH ordered AS (
  SELECT id, row_number() OVER (ORDER BY array_position(:ids::bigint[], id), rank) AS place
  FROM itinerary_partners WHERE itinerary_id = :itinerary_id
), moved AS (
  UPDATE itinerary_partners p SET rank = o.place FROM ordered o WHERE o.id = p.id RETURNING p.id
)
SELECT count(*) FROM moved WHERE id = ANY(:ids::bigint[]);
