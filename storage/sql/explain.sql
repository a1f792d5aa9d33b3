-- name: insert_attempt
-- With those who were considered, each at the same place of five arrays.
INSERT INTO match_attempts (booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, offer_id, looks,
  technician_ids, ranks, reasons, scores, distances, parts)
VALUES (:booking_id, :round, :attempt, :policy, :policy_version, :weights, :radius_m, :outcome, :offer_id, :looks,
  :technician_ids, :ranks, :reasons, :scores, :distances, :parts);

-- name: drop_last_look
DELETE FROM match_attempts WHERE outcome = 'no_candidate' AND round = :round
  AND id = (SELECT max(id) FROM match_attempts WHERE booking_id = :booking_id);

-- name: purge
-- A part of the attempts that are older than so many days.
DELETE FROM match_attempts WHERE id IN
  (SELECT id FROM match_attempts WHERE at < app_now() - make_interval(days => :days) LIMIT :most);

-- name: attempts
SELECT id, booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, offer_id, looks, at
FROM match_attempts WHERE booking_id = :booking_id ORDER BY id;

-- name: candidates
SELECT c.attempt_id, c.technician_id, p.code, p.name, c.rank, c.reason, c.score::numeric::float8 AS score, c.parts, c.distance_m
FROM match_candidates c JOIN parties p ON p.id = c.technician_id
WHERE c.attempt_id = ANY(:attempt_ids::bigint[])
ORDER BY c.attempt_id, c.rank NULLS LAST, c.distance_m NULLS LAST, p.code;

-- name: offers
SELECT o.id, o.technician_id, p.name AS technician_name, o.round, o.attempt, o.state, o.made_at, o.expires_at, o.answered_at, o.reason, o.made_by
FROM offers o JOIN parties p ON p.id = o.technician_id WHERE o.booking_id = :booking_id ORDER BY o.made_at, o.id;

-- part: considering
match_attempts a CROSS JOIN LATERAL (SELECT array_position(a.technician_ids, :technician_id::uuid) AS n) AS place

-- part: of_technician
-- The looks that considered a technician, and at which of their places.
FROM {considering}
WHERE a.technician_ids @> ARRAY[:technician_id::uuid] AND a.at >= :since

-- name: reasons_of
-- How often this technician was considered and what came of it, over a span of the domain's time.
SELECT a.reasons[place.n] AS reason, count(*) AS times, count(DISTINCT a.booking_id) AS bookings, max(a.at) AS last_at
{of_technician}
GROUP BY a.reasons[place.n] ORDER BY times DESC, reason;

-- part: verdict
a.at, a.booking_id, a.reasons[place.n] AS reason, a.ranks[place.n] AS rank, a.scores[place.n]::numeric::float8 AS score,
  parts_of_score(a.parts, place.n) AS parts, a.distances[place.n] AS distance_m, b.categories, b.starts_at

-- part: verdicts
{considering} JOIN bookings b ON b.id = a.booking_id
